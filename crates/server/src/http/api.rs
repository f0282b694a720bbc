//! The routes: the document's users and dynamic data.

use super::accounts::{AccountError, Accounts, NewUser, Unusable, User, UserChange};
use super::accounts::{MAX_NAME_BYTES, PASSWORD_BYTES};
use super::codes::{Answer, Code, Language, Sentence};
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
use tokio::sync::Semaphore;

/// Presence topic of everybody who uses the service.
const ONLINE_TOPIC: &str = "http";

/// Password hashes computed at the same time: each takes a core and 19 MiB for a while.
pub(super) const HASHES_AT_ONCE: usize = 2;

/// Requests that may wait for such a hash, those included that have it; more are sent away.
const HASHES_WAITING: usize = 64;

/// What the handlers share.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) accounts: Arc<Accounts>,
    hashing: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    dyn_data: DynData,
    online: Presence,
}

impl Shared {
    pub(super) fn new(store: &Larder, accounts: Arc<Accounts>) -> Self {
        Shared {
            accounts,
            hashing: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
            waiting: Arc::new(Semaphore::new(HASHES_WAITING)),
            dyn_data: DynData::new(store),
            online: Presence::new(store, ONLINE_TOPIC),
        }
    }

    /// Does something with the accounts that takes the time of a password hash, on a thread that
    /// has it. Everything else about accounts takes microseconds and is done at once.
    pub(super) async fn hashing<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Accounts) -> Result<T, AccountError> + Send + 'static,
    ) -> Result<T, AccountError> {
        let Ok(_waiting) = self.waiting.try_acquire() else { return Err(AccountError::Busy) };
        // Kept by the work itself: it goes on when nobody waits for it any more.
        let Ok(place) = self.hashing.clone().acquire_owned().await else {
            return Err(AccountError::Busy);
        };
        let accounts = self.accounts.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            work(&accounts)
        });
        done.await.unwrap_or_else(|error| Err(AccountError::Store(error.to_string())))
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
    let login = state.hashing(move |accounts| accounts.log_in(&body.user_name, &body.password));
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
        None => Answer::malformed(Sentence::new(
            "没有可注销的令牌：当前凭据为 Basic",
            "there is no token to end: these credentials are Basic",
        )),
        Some(token) => match state.accounts.revoke(&token) {
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
    let answer = match caller.admin() {
        Err(refusal) => refusal,
        Ok(()) => match state.accounts.list(page.offset, page.limit) {
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
        Ok(()) => user_answer(state.hashing(work).await),
    };
    answer.in_language(caller.language)
}

async fn read_user(State(state): State<Shared>, caller: Caller, Id(id): Id) -> Response {
    let answer = match caller.admin() {
        Err(refusal) if caller.user.id != id => refusal,
        _ => user_answer(state.accounts.user(id)),
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
        Ok(()) if change.password.is_none() => user_answer(state.accounts.change(id, &change)),
        Ok(()) => user_answer(state.hashing(move |accounts| accounts.change(id, &change)).await),
    };
    answer.in_language(caller.language)
}

async fn deactivate_user(State(state): State<Shared>, caller: Caller, Id(id): Id) -> Response {
    let change = UserChange { active: Some(false), ..UserChange::default() };
    let answer = match caller.admin() {
        Err(refusal) => refusal,
        Ok(()) => user_answer(state.accounts.change(id, &change)),
    };
    answer.in_language(caller.language)
}

async fn no_such_route(headers: HeaderMap) -> Response {
    let detail = Sentence::new(
        "此路径不存在；GET / 列出可用的接口",
        "there is nothing at this path; GET / lists what there is",
    );
    Answer::failed(StatusCode::NOT_FOUND, Code::MalformedParameter, detail)
        .in_language(Language::of(&headers))
}

async fn wrong_method(headers: HeaderMap) -> Response {
    let detail = Sentence::new(
        "此路径不支持该方法；GET / 列出可用的接口",
        "this path does not know the method; GET / lists what there is",
    );
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

/// What a call answers when something about an account cannot be done.
fn refused(error: &AccountError) -> Answer {
    match error {
        AccountError::NameTaken => Answer::code(Code::UserExists),
        AccountError::NoSuchUser => Answer::code(Code::NoSuchUser),
        AccountError::WrongCredentials => Answer::code(Code::WrongCredentials),
        AccountError::NotActive => Answer::code(Code::NotActive),
        AccountError::Unusable(why) => Answer::malformed(unusable(*why)),
        other => not_possible(other),
    }
}

/// What any call answers when the service itself is the reason.
pub(super) fn not_possible(error: &AccountError) -> Answer {
    let detail = match error {
        AccountError::TooManyTries(seconds) => return Answer::too_many(*seconds),
        AccountError::Busy => Sentence::new("登录请求过多，请稍后重试", error.to_string()),
        other => Sentence::foreign(other.to_string()),
    };
    Answer::failed(StatusCode::SERVICE_UNAVAILABLE, Code::Unknown, detail)
}

fn unusable(why: Unusable) -> Sentence {
    let (least, most) = (PASSWORD_BYTES.start(), PASSWORD_BYTES.end());
    let zh = match why {
        Unusable::NameLength => format!("用户名应为 1 到 {MAX_NAME_BYTES} 字节"),
        Unusable::NameLetters => "用户名不能含冒号或控制字符，首尾不能有空格".to_owned(),
        Unusable::PasswordLength => format!("密码应为 {least} 到 {most} 字节"),
    };
    Sentence::new(zh, why.to_string())
}

fn unavailable(error: &larder::Error) -> Answer {
    let detail = Sentence::foreign(error.to_string());
    Answer::failed(StatusCode::SERVICE_UNAVAILABLE, Code::Unknown, detail)
}

/// `YYYY-MM-DD HH:MM:SS` in UTC.
fn time_text(unix_ms: u64) -> String {
    let at = jiff::Timestamp::from_millisecond(unix_ms.cast_signed()).unwrap_or_default();
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
