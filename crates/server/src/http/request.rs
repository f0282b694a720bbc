//! From a request to what a handler works with: JSON bodies, ids, pages, and who is asking.
//! Whatever is wrong with them is answered with a sentence, never with a 500.

use super::accounts::{AccountError, User};
use super::api::Shared;
use super::codes::{Answer, Code, Language};
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
            let detail = match &rejection {
                JsonRejection::MissingJsonContentType(_) => {
                    "send JSON with the header Content-Type: application/json".to_owned()
                }
                JsonRejection::BytesRejection(_) => {
                    format!("a body has at most {} bytes", super::MAX_BODY_BYTES)
                }
                other => other.body_text(),
            };
            Answer::malformed(detail).in_language(language)
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
        let refuse = |why: String| Answer::malformed(why).in_language(language);
        let query = Query::<PageQuery>::from_request_parts(parts, state).await;
        let Query(query) = query.map_err(|rejection| refuse(rejection.body_text()))?;
        let limit = query.limit.unwrap_or(PAGE_ROWS);
        if !(1..=MAX_PAGE_ROWS).contains(&limit) {
            return Err(refuse(format!("limit is a number from 1 to {MAX_PAGE_ROWS}")));
        }
        if query.offset > u64::from(u32::MAX) {
            return Err(refuse("offset is too large".to_owned()));
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
            let detail = "send Authorization: Basic (name and password) or Bearer (token)";
            return Err(refuse(unauthorized(Code::WrongCredentials, detail)));
        };
        let token = match &credentials {
            Credentials::Bearer(token) => Some(token.clone()),
            Credentials::Basic(..) => None,
        };
        let connection = match &credentials {
            Credentials::Bearer(token) => token.chars().take(8).collect(),
            Credentials::Basic(..) => "basic".to_owned(),
        };
        let user = state.blocking(move |accounts| match credentials {
            Credentials::Bearer(token) => accounts.by_token(&token),
            Credentials::Basic(name, password) => accounts.by_password(&name, &password),
        });
        let user = user.await.map_err(|error| refuse(not_let_in(&error)))?;
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
        let detail = "only an administrator may do this";
        Err(Answer::failed(StatusCode::FORBIDDEN, Code::MalformedParameter, detail))
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

fn unauthorized(code: Code, detail: &str) -> Answer {
    Answer::failed(StatusCode::UNAUTHORIZED, code, detail)
}

/// Why somebody is not let in, as a reply of a call that needs credentials.
fn not_let_in(error: &AccountError) -> Answer {
    match error {
        AccountError::NotActive => {
            unauthorized(Code::NotActive, "an administrator has to activate the user")
        }
        AccountError::TooManyTries(seconds) => Answer::too_many(*seconds),
        AccountError::Store(why) => {
            Answer::failed(StatusCode::SERVICE_UNAVAILABLE, Code::Unknown, why.clone())
        }
        _ => unauthorized(Code::WrongCredentials, "log in again"),
    }
}
