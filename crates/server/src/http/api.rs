//! The routes: the document's users and dynamic data.

use super::accounts::{AccountError, Accounts, NewUser, User, UserChange};
use super::codes::{Answer, Code, Language};
use super::page;
use super::request::{Body, Caller, Id, Page};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use larder::Larder;
use larder::patterns::{DynData, Presence};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Presence topic of everybody who uses the service.
const ONLINE_TOPIC: &str = "http";

/// What the handlers share.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    accounts: Arc<Accounts>,
    dyn_data: DynData,
    online: Presence,
}

impl Shared {
    pub(super) fn new(store: &Larder, accounts: Arc<Accounts>) -> Self {
        Shared {
            accounts,
            dyn_data: DynData::new(store),
            online: Presence::new(store, ONLINE_TOPIC),
        }
    }

    /// Does something with the accounts on a thread that may take its time.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Accounts) -> Result<T, AccountError> + Send + 'static,
    ) -> Result<T, AccountError> {
        let accounts = self.accounts.clone();
        let done = tokio::task::spawn_blocking(move || work(&accounts)).await;
        done.unwrap_or_else(|error| Err(AccountError::Store(error.to_string())))
    }

    /// A user was here.
    pub(super) async fn saw(&self, user: &User, connection: &str) -> Result<(), Answer> {
        let id = user.id.to_string();
        self.online.heartbeat(&id, connection, b"").await.map_err(|error| unavailable(&error))
    }
}

/// All routes.
pub(super) fn routes(state: Shared) -> Router {
    Router::new()
        .route("/", get(page::index))
        .route("/api/v01/user/login", post(log_in))
        .route("/api/v01/user/logout", post(log_out))
        .route("/api/v01/user/dyn", post(mark_dyn).get(read_dyn))
        .route("/api/v01/user/online", get(count_online))
        .route("/api/v01/user", get(list_users).post(create_user))
        .route("/api/v01/user/{id}", get(read_user).put(change_user).delete(deactivate_user))
        .fallback(no_such_route)
        .method_not_allowed_fallback(wrong_method)
        .with_state(state)
}

#[derive(Deserialize)]
struct LoginBody {
    user_name: String,
    password: String,
}

async fn log_in(
    State(state): State<Shared>,
    headers: HeaderMap,
    Body(body): Body<LoginBody>,
) -> Response {
    let login = state.blocking(move |accounts| accounts.log_in(&body.user_name, &body.password));
    let answer = match login.await {
        Ok(login) => Answer::ok(json!({
            "token": login.token,
            "expire": time_text(login.expires_ms),
            "admin": login.user.admin,
            "name": login.user.name,
        })),
        Err(error) => refused(&error),
    };
    answer.in_language(Language::of(&headers))
}

async fn log_out(State(state): State<Shared>, caller: Caller) -> Response {
    let answer = match caller.token.clone() {
        None => Answer::malformed("there is no token to end: these credentials are Basic"),
        Some(token) => match state.blocking(move |accounts| accounts.revoke(&token)).await {
            Ok(_) => Answer::ok(Value::Null),
            Err(error) => refused(&error),
        },
    };
    answer.in_language(caller.language)
}

#[derive(Deserialize)]
struct DynBody {
    data: Option<i64>,
}

/// `If-None-Match: *` sets the data only where there is none.
async fn mark_dyn(
    State(state): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body<DynBody>,
) -> Response {
    let id = caller.user.id.to_string();
    let only_new = headers.get(header::IF_NONE_MATCH).is_some_and(|value| value == "*");
    let answer = match body.data {
        None => Answer::code(Code::NoData),
        Some(data) if only_new => match state.dyn_data.add(&id, data).await {
            Ok(true) => Answer::ok(Value::Null),
            Ok(false) => Answer::code(Code::DataExists),
            Err(error) => unavailable(&error),
        },
        Some(data) => match state.dyn_data.mark(&id, data).await {
            Ok(()) => Answer::ok(Value::Null),
            Err(error) => unavailable(&error),
        },
    };
    answer.in_language(caller.language)
}

async fn read_dyn(State(state): State<Shared>, caller: Caller) -> Response {
    let answer = match state.dyn_data.int(&caller.user.id.to_string()).await {
        Ok(data) => Answer::ok(json!(data)),
        Err(error) => unavailable(&error),
    };
    answer.in_language(caller.language)
}

async fn count_online(State(state): State<Shared>, caller: Caller) -> Response {
    let answer = match state.online.count().await {
        Ok(count) => Answer::ok(json!({ "online": count })),
        Err(error) => unavailable(&error),
    };
    answer.in_language(caller.language)
}

async fn list_users(State(state): State<Shared>, caller: Caller, page: Page) -> Response {
    let work = move |accounts: &Accounts| accounts.list(page.offset, page.limit);
    let answer = match caller.admin() {
        Err(refusal) => refusal,
        Ok(()) => match state.blocking(work).await {
            Ok((count, users)) => {
                let users: Vec<Value> = users.iter().map(shown).collect();
                Answer::ok(json!({ "count": count, "users": users }))
            }
            Err(error) => refused(&error),
        },
    };
    answer.in_language(caller.language)
}

#[derive(Deserialize)]
struct NewUserBody {
    user_name: String,
    password: String,
    #[serde(default)]
    admin: bool,
}

async fn create_user(
    State(state): State<Shared>,
    caller: Caller,
    Body(body): Body<NewUserBody>,
) -> Response {
    let work = move |accounts: &Accounts| {
        accounts.create(&NewUser {
            name: &body.user_name,
            password: &body.password,
            admin: body.admin,
            active: false,
        })
    };
    let answer = match caller.admin() {
        Err(refusal) => refusal,
        Ok(()) => user_answer(state.blocking(work).await),
    };
    answer.in_language(caller.language)
}

async fn read_user(State(state): State<Shared>, caller: Caller, Id(id): Id) -> Response {
    let answer = match caller.admin() {
        Err(refusal) if caller.user.id != id => refusal,
        _ => user_answer(state.blocking(move |accounts| accounts.user(id)).await),
    };
    answer.in_language(caller.language)
}

async fn change_user(
    State(state): State<Shared>,
    caller: Caller,
    Id(id): Id,
    Body(change): Body<UserChange>,
) -> Response {
    let answer = match caller.admin() {
        Err(refusal) => refusal,
        Ok(()) => user_answer(state.blocking(move |a| a.change(id, &change)).await),
    };
    answer.in_language(caller.language)
}

async fn deactivate_user(State(state): State<Shared>, caller: Caller, Id(id): Id) -> Response {
    let change = UserChange { active: Some(false), ..UserChange::default() };
    let answer = match caller.admin() {
        Err(refusal) => refusal,
        Ok(()) => user_answer(state.blocking(move |a| a.change(id, &change)).await),
    };
    answer.in_language(caller.language)
}

async fn no_such_route(headers: HeaderMap) -> Response {
    let detail = "there is nothing at this path; GET / lists what there is";
    Answer::failed(StatusCode::NOT_FOUND, Code::MalformedParameter, detail)
        .in_language(Language::of(&headers))
}

async fn wrong_method(headers: HeaderMap) -> Response {
    let detail = "this path does not know the method; GET / lists what there is";
    Answer::failed(StatusCode::METHOD_NOT_ALLOWED, Code::MalformedParameter, detail)
        .in_language(Language::of(&headers))
}

fn user_answer(user: Result<User, AccountError>) -> Answer {
    match user {
        Ok(user) => Answer::ok(shown(&user)),
        Err(error) => refused(&error),
    }
}

fn shown(user: &User) -> Value {
    json!({ "id": user.id, "name": user.name, "admin": user.admin, "active": user.active })
}

fn refused(error: &AccountError) -> Answer {
    match error {
        AccountError::NameTaken => Answer::code(Code::UserExists),
        AccountError::NoSuchUser => Answer::code(Code::NoSuchUser),
        AccountError::WrongCredentials => Answer::code(Code::WrongCredentials),
        AccountError::NotActive => Answer::code(Code::NotActive),
        AccountError::TooManyTries(seconds) => Answer::too_many(*seconds),
        AccountError::Unusable(why) => Answer::malformed(why.clone()),
        AccountError::Store(why) => {
            Answer::failed(StatusCode::SERVICE_UNAVAILABLE, Code::Unknown, why.clone())
        }
    }
}

fn unavailable(error: &larder::Error) -> Answer {
    Answer::failed(StatusCode::SERVICE_UNAVAILABLE, Code::Unknown, error.to_string())
}

/// `YYYY-MM-DD HH:MM:SS` in UTC.
fn time_text(unix_ms: u64) -> String {
    let at = jiff::Timestamp::from_millisecond(unix_ms.cast_signed()).unwrap_or_default();
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
