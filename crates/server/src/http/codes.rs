//! Every reply's body, `{"error_code": N, "message": "…", "data": …}`, and its codes.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;

/// A code with its message in each language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    /// Success.
    Ok,
    /// No such id.
    NoSuchId,
    /// A malformed id.
    MalformedId,
    /// A malformed parameter.
    MalformedParameter,
    /// Wrong name or password.
    WrongCredentials,
    /// The user is not active.
    NotActive,
    /// The user's name is taken.
    UserExists,
    /// There is no such user.
    NoSuchUser,
    /// There is no data.
    NoData,
    /// There is data already.
    DataExists,
    /// Anything else.
    Unknown,
}

/// A language of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Language {
    /// Chinese, the document's.
    #[default]
    Zh,
    /// English.
    En,
}

impl Code {
    /// Every code, in the order of the numbers.
    pub(super) const ALL: [Code; 11] = [
        Code::Ok,
        Code::NoSuchId,
        Code::MalformedId,
        Code::MalformedParameter,
        Code::WrongCredentials,
        Code::NotActive,
        Code::UserExists,
        Code::NoSuchUser,
        Code::NoData,
        Code::DataExists,
        Code::Unknown,
    ];

    fn row(self) -> (u32, &'static str, &'static str) {
        match self {
            Code::Ok => (0, "请求成功", "success"),
            Code::NoSuchId => (10001, "ID 不存在", "no such id"),
            Code::MalformedId => (10002, "ID 错误", "malformed id"),
            Code::MalformedParameter => (10003, "参数错误", "malformed parameter"),
            Code::WrongCredentials => (10004, "用户名或密码错误", "wrong name or password"),
            Code::NotActive => (10005, "用户未激活", "user not active"),
            Code::UserExists => (10006, "用户已存在", "user exists"),
            Code::NoSuchUser => (10007, "用户不存在", "user does not exist"),
            Code::NoData => (10008, "数据不存在", "no data"),
            Code::DataExists => (10009, "数据已存在", "data exists"),
            Code::Unknown => (20001, "未知错误", "unknown error"),
        }
    }

    /// The number in the body.
    #[must_use]
    pub(super) fn number(self) -> u32 {
        self.row().0
    }

    /// The message in a language.
    #[must_use]
    pub(super) fn message(self, language: Language) -> &'static str {
        match language {
            Language::Zh => self.row().1,
            Language::En => self.row().2,
        }
    }
}

impl Language {
    /// Its name in headers.
    #[must_use]
    pub(super) fn tag(self) -> &'static str {
        match self {
            Language::Zh => "zh",
            Language::En => "en",
        }
    }

    /// The language that a client prefers by its `Accept-Language`; the document's if it does
    /// not say.
    #[must_use]
    pub(super) fn of(headers: &HeaderMap) -> Language {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let mut best = (0.0, Language::Zh);
        for item in accepted.unwrap_or_default().split(',') {
            let mut parts = item.split(';');
            let tag = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
            let weight = parts.find_map(|part| part.trim().strip_prefix("q=")?.parse().ok());
            let weight: f32 = weight.unwrap_or(1.0);
            let language = match tag.split('-').next() {
                Some("zh") => Language::Zh,
                Some("en") => Language::En,
                _ => continue,
            };
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }
}

/// A sentence in each language.
#[derive(Debug, Clone)]
pub(super) struct Sentence {
    zh: Cow<'static, str>,
    en: Cow<'static, str>,
}

impl Sentence {
    /// A sentence in Chinese and in English.
    pub(super) fn new(zh: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Self {
        Sentence { zh: zh.into(), en: en.into() }
    }

    /// Words that come from elsewhere and have no translation.
    pub(super) fn foreign(text: impl Into<String>) -> Self {
        let text: String = text.into();
        Sentence::new(text.clone(), text)
    }

    fn in_language(self, language: Language) -> Cow<'static, str> {
        match language {
            Language::Zh => self.zh,
            Language::En => self.en,
        }
    }
}

/// What a handler answers; [`Answer::in_language`] makes the response of it.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    code: Code,
    /// What exactly is wrong.
    detail: Option<Sentence>,
    data: Value,
    retry_after_s: Option<u64>,
}

#[derive(Serialize)]
struct Body {
    error_code: u32,
    message: String,
    data: Value,
}

impl Answer {
    /// Success with data.
    #[must_use]
    pub(super) fn ok(data: Value) -> Self {
        Answer { status: StatusCode::OK, code: Code::Ok, detail: None, data, retry_after_s: None }
    }

    /// A code without data; its status is 200, as the service promises.
    #[must_use]
    pub(super) fn code(code: Code) -> Self {
        Answer { code, ..Answer::ok(Value::Null) }
    }

    /// A request that makes no sense: 400 with a sentence that says what is wrong.
    #[must_use]
    pub(super) fn malformed(detail: Sentence) -> Self {
        Answer::failed(StatusCode::BAD_REQUEST, Code::MalformedParameter, detail)
    }

    /// Another status with a sentence.
    #[must_use]
    pub(super) fn failed(status: StatusCode, code: Code, detail: Sentence) -> Self {
        Answer { status, detail: Some(detail), ..Answer::code(code) }
    }

    /// Too many tries; the same may be tried again after so many seconds.
    #[must_use]
    pub(super) fn too_many(seconds: u64) -> Self {
        let detail = Sentence::new(
            format!("登录失败次数过多，请在 {seconds} 秒后重试"),
            format!("too many failed logins; try again in {seconds} s"),
        );
        let answer = Answer::failed(StatusCode::TOO_MANY_REQUESTS, Code::WrongCredentials, detail);
        Answer { retry_after_s: Some(seconds), ..answer }
    }

    /// The response in a language.
    #[must_use]
    pub(super) fn in_language(self, language: Language) -> Response {
        let name = self.code.message(language);
        let message = match self.detail.map(|detail| detail.in_language(language)) {
            None => name.to_owned(),
            // The code's own name says something of these; of others it would mislead.
            Some(detail) if self.status == StatusCode::BAD_REQUEST => format!("{name}: {detail}"),
            Some(detail) if self.status == StatusCode::UNAUTHORIZED => format!("{name}: {detail}"),
            Some(detail) => detail.into_owned(),
        };
        let body = Body { error_code: self.code.number(), message, data: self.data };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::VARY, HeaderValue::from_static("accept-language, authorization"));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Basic realm=\"larder\", charset=\"UTF-8\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_one_with_the_greatest_weight() {
        let language = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(value));
            Language::of(&headers)
        };
        assert_eq!(language("en-GB,zh;q=0.5"), Language::En);
        assert_eq!(language("zh-CN, en;q=0.9"), Language::Zh);
        assert_eq!(language("fr, en;q=0.3"), Language::En);
        assert_eq!(language("fr"), Language::Zh);
        assert_eq!(Language::of(&HeaderMap::new()), Language::Zh);
    }
}
