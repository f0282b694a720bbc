//! From a request to what a handler works with: JSON bodies, ids, pages, and who is asking.
//! Whatever is wrong with them is answered with a sentence, never with a 500.

use super::accounts::{AccountError, User, sha256_hex};
use super::api::{Shared, not_possible};
use super::codes::{Answer, Code, Language, Sentence};
use super::guard::too_big;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Json, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let language = Language::of(request.headers());
        let refuse = |rejection: JsonRejection| {
            let answer = match &rejection {
                JsonRejection::MissingJsonContentType(_) => Answer::malformed(Sentence::new(
                    "请以 JSON 发送，并带上请求头 Content-Type: application/json",
                    "send JSON with the header Content-Type: application/json",
                )),
                JsonRejection::BytesRejection(_) => too_big(),
                other => Answer::malformed(Sentence::foreign(other.body_text())),
            };
            answer.in_language(language)
        };
        let Json(value) = Json::<T>::from_request(request, state).await.map_err(refuse)?;
        Ok(Body(value))
    }
}

/// The id in a path.
pub(super) struct Id(pub(super) u64);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let language = Language::of(&parts.headers);
        let text = Path::<String>::from_request_parts(parts, state).await;
        let number = text.ok().and_then(|Path(text)| text.parse::<i64>().ok());
        match number {
            Some(id) if id > 0 => Ok(Id(id.unsigned_abs())),
            Some(_) => Err(Answer::code(Code::NoSuchId).in_language(language)),
            None => Err(Answer::code(Code::MalformedId).in_language(language)),
        }
    }
}

/// A page of a list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PageQuery {
    #[serde(default)]
    offset: u64,
    limit: Option<u64>,
}

/// A page of a list: where it begins and how long it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    pub(super) offset: u64,
    pub(super) limit: u64,
}

/// Rows of a page unless the request says otherwise, and at most.
const PAGE_ROWS: u64 = 20;
const MAX_PAGE_ROWS: u64 = 100;

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let language = Language::of(&parts.headers);
        let refuse = |why: Sentence| Answer::malformed(why).in_language(language);
        let query = Query::<PageQuery>::from_request_parts(parts, state).await;
        let Query(query) =
            query.map_err(|rejection| refuse(Sentence::foreign(rejection.body_text())))?;
        let limit = query.limit.unwrap_or(PAGE_ROWS);
        if !(1..=MAX_PAGE_ROWS).contains(&limit) {
            return Err(refuse(Sentence::new(
                format!("limit 应为 1 到 {MAX_PAGE_ROWS} 之间的整数"),
                format!("limit is a number from 1 to {MAX_PAGE_ROWS}"),
            )));
        }
        Ok(Page { offset: query.offset, limit })
    }
}

/// Who is asking, with credentials that were checked. They count as online from now on.
pub(super) struct Caller {
    pub(super) user: User,
    pub(super) language: Language,
    /// The token, if one was used.
    pub(super) token: Option<String>,
}

/// Credentials as they were sent.
enum Credentials {
    Bearer(String),
    Basic(String, String),
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Response> {
        let language = Language::of(&parts.headers);
        let refuse = |answer: Answer| answer.in_language(language);
        let sent = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(credentials) = sent.and_then(Credentials::read) else {
            let detail = Sentence::new(
                "请在请求头 Authorization 中提供 Basic（用户名和密码）或 Bearer（令牌）",
                "send Authorization: Basic (name and password) or Bearer (token)",
            );
            return Err(refuse(unauthorized(Code::WrongCredentials, detail)));
        };
        let (user, token) = match credentials {
            Credentials::Bearer(token) => (state.accounts.by_token(&token), Some(token)),
            Credentials::Basic(name, password) => {
                let user = match state.accounts.believed(&name, &password) {
                    Ok(None) => state.hashing(move |a| a.by_password(&name, &password)).await,
                    Ok(Some(user)) => Ok(user),
                    Err(error) => Err(error),
                };
                (user, None)
            }
        };
        let user = user.map_err(|error| refuse(not_let_in(&error)))?;
        // Clients of the store can read who is here, but never a part of a token.
        let connection = match &token {
            Some(token) => sha256_hex(token).chars().take(16).collect(),
            None => "basic".to_owned(),
        };
        state.saw(&user, &connection).await.map_err(refuse)?;
        Ok(Caller { user, language, token })
    }
}

impl Caller {
    /// Refuses everybody but administrators.
    pub(super) fn admin(&self) -> Result<(), Answer> {
        if self.user.admin {
            return Ok(());
        }
        let detail = Sentence::new("只有管理员可以执行此操作", "only an administrator may do this");
        Err(Answer::failed(StatusCode::FORBIDDEN, Code::Unknown, detail))
    }
}

impl Credentials {
    fn read(header: &str) -> Option<Credentials> {
        let (scheme, rest) = header.split_once(' ')?;
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(Credentials::Bearer(rest.to_owned()));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
        let (name, password) = decoded.split_once(':')?;
        Some(Credentials::Basic(name.to_owned(), password.to_owned()))
    }
}

fn unauthorized(code: Code, detail: Sentence) -> Answer {
    Answer::failed(StatusCode::UNAUTHORIZED, code, detail)
}

/// Why somebody is not let in, as a reply of a call that needs credentials.
fn not_let_in(error: &AccountError) -> Answer {
    match error {
        AccountError::WrongCredentials | AccountError::NoSuchUser => {
            let detail = Sentence::new("请重新登录", "log in again");
            unauthorized(Code::WrongCredentials, detail)
        }
        AccountError::NotActive => {
            let detail =
                Sentence::new("需要管理员激活该用户", "an administrator has to activate the user");
            unauthorized(Code::NotActive, detail)
        }
        other => not_possible(other),
    }
}
