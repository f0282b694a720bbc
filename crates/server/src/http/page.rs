//! The page at `/`: what this is and what can be asked of it, in the reader's language.
//!
//! One text without scripts. The codes it explains are those of [`super::codes`].

use super::codes::{Code, Language};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use std::fmt::Write;

/// The page. The guard has looked at the `Host` header, by which the reader came here.
pub(super) async fn index(headers: HeaderMap) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let language = Language::of(&headers);
    let page = page(language, host.unwrap_or("localhost:8379"));
    let mut response = Html(page).into_response();
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept-language"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    response
}

fn page(language: Language, host: &str) -> String {
    let text = |zh: &'static str, en: &'static str| match language {
        Language::Zh => zh,
        Language::En => en,
    };
    let (tag, style, host) = (language.tag(), STYLE, escaped(host));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"{tag}\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Larder</title>\n<style>{style}</style>\n"
    );
    let mut add = |part: &str| page.push_str(part);
    add(&format!(
        "<h1>{}</h1>\n<p class=\"quiet\">{}</p>\n<p class=\"note\">{}</p>\n",
        text("Larder 正在运行", "Larder is running"),
        text(
            "Web 应用的动态数据。这里是它的 HTTP 服务。",
            "Dynamic data for web apps. This is its HTTP service.",
        ),
        text(
            "进程结束时，数据和用户保存到数据文件夹中。",
            "Data and users are saved in the data folder when the process ends.",
        ),
    ));
    add(&format!(
        "<h2>{}</h2>\n<p>{}</p>\n<pre>larder user add ann --admin\n\
         curl {host}/api/v01/user/login \\\n  -H 'Content-Type: application/json' \\\n  \
         -d '{{\"user_name\": \"ann\", \"password\": \"…\"}}'</pre>\n<p>{}</p>\n",
        text("从这里开始", "Start here"),
        text(
            "在启动 Larder 的文件夹里创建第一个用户，然后登录：",
            "Make the first user in the folder where Larder was started, then log in:",
        ),
        text(
            "其余请求都要带上 <code>Authorization: Bearer 令牌</code>，或以 Basic 方式给出用户名和密码。",
            "Every other call takes <code>Authorization: Bearer TOKEN</code>, or Basic with name \
             and password.",
        ),
    ));
    for (title_zh, title_en, calls) in SECTIONS {
        add(&format!("<h2>{}</h2>\n<dl>\n", text(title_zh, title_en)));
        for (call, zh, en) in *calls {
            add(&format!("<dt><code>{call}</code><dd>{}\n", text(zh, en)));
        }
        add("</dl>\n");
    }
    add(&format!(
        "<h2>{}</h2>\n<p>{}</p>\n<ul class=\"codes\">\n",
        text("回复", "Replies"),
        text(
            "每个回复都是 <code>{\"error_code\": 0, \"message\": \"…\", \"data\": …}</code>，\
             语言取决于 <code>Accept-Language</code>。",
            "Each is <code>{\"error_code\": 0, \"message\": \"…\", \"data\": …}</code>, in the \
             language of <code>Accept-Language</code>.",
        ),
    ));
    for code in Code::ALL {
        // Writing to a string does not fail.
        let _ = writeln!(page, "<li><b>{}</b> {}", code.number(), code.message(language));
    }
    page.push_str("</ul>\n</html>\n");
    page
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A call, and what it does in Chinese and in English.
type Call = (&'static str, &'static str, &'static str);

const SECTIONS: &[(&str, &str, &[Call])] = &[
    (
        "动态数据",
        "Dynamic data",
        &[
            (
                "POST /api/v01/user/dyn",
                "<code>{\"data\": 100}</code> 把你的一个整数保存 60 秒；带 <code>If-None-Match: \
                 *</code> 时只在还没有数据时保存",
                "<code>{\"data\": 100}</code> keeps a number of yours for 60 seconds; with \
                 <code>If-None-Match: *</code> only if there is none",
            ),
            ("GET /api/v01/user/dyn", "这个整数，或 null", "the number, or null"),
            (
                "GET /api/v01/user/online",
                "最近几分钟内有多少用户在线",
                "how many users were here in the last minutes",
            ),
        ],
    ),
    (
        "登录",
        "Login",
        &[
            (
                "POST /api/v01/user/login",
                "<code>{\"user_name\", \"password\"}</code> 换取有效期一天的令牌",
                "<code>{\"user_name\", \"password\"}</code> gives a token for a day",
            ),
            ("POST /api/v01/user/logout", "注销令牌", "ends the token"),
        ],
    ),
    (
        "用户（限管理员）",
        "Users, for administrators",
        &[
            (
                "GET /api/v01/user",
                "用户列表，<code>?offset=0&amp;limit=20</code>",
                "all users, <code>?offset=0&amp;limit=20</code>",
            ),
            (
                "POST /api/v01/user",
                "<code>{\"user_name\", \"password\", \"admin\"}</code> 创建一个尚未激活的用户",
                "<code>{\"user_name\", \"password\", \"admin\"}</code> creates a user who is not \
                 active yet",
            ),
            (
                "GET /api/v01/user/ID",
                "一个用户；每个人都能查看自己",
                "one user; all may see themselves",
            ),
            (
                "PUT /api/v01/user/ID",
                "<code>{\"password\", \"admin\", \"active\"}</code> 修改其中给出的项",
                "<code>{\"password\", \"admin\", \"active\"}</code> changes what is given",
            ),
            ("DELETE /api/v01/user/ID", "停用用户", "deactivates the user"),
        ],
    ),
];

const STYLE: &str = "
  :root { color-scheme: light dark; --ink: #23211d; --paper: #fdfcf9; --quiet: #6a655c;
    --fill: #f1eee6; --line: #e5e0d5; --mark: #a8541b }
  @media (prefers-color-scheme: dark) { :root { --ink: #e2dfd8; --paper: #1c1b19;
    --quiet: #a39d92; --fill: #2b2926; --line: #3a3733; --mark: #e39a63 } }
  body { font: 16px/1.55 system-ui, sans-serif; max-width: 46rem; margin: 0 auto;
    padding: 2.5rem 1.25rem 4rem; color: var(--ink); background: var(--paper) }
  h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 }
  h2 { font-size: 1.05rem; margin: 2.25rem 0 .5rem; color: var(--mark) }
  p { margin: .5rem 0 } .quiet { color: var(--quiet) }
  .note { border-left: 3px solid var(--mark); padding: .1rem 0 .1rem .75rem; margin: 1.25rem 0 }
  code, pre { font: .875em/1.55 ui-monospace, monospace; background: var(--fill); border-radius: 4px }
  code { padding: .1rem .3rem; white-space: nowrap }
  pre { padding: .8rem 1rem; overflow-x: auto; margin: .75rem 0 }
  dl { display: grid; grid-template-columns: 15.5rem 1fr; margin: 0 }
  dt, dd { margin: 0; padding: .45rem 0; border-top: 1px solid var(--line) }
  dd { padding-left: 1.25rem }
  .codes { list-style: none; padding: 0; columns: 14rem; font-size: .9rem }
  .codes li { padding-left: 3.6rem; text-indent: -3.6rem; break-inside: avoid }
  .codes b { display: inline-block; width: 3.6rem; text-indent: 0; font-weight: 600;
    font-variant-numeric: tabular-nums }
  @media (max-width: 40rem) { dl { display: block } dd { border: 0; padding: 0 0 .6rem }
    code { white-space: normal; overflow-wrap: anywhere } }
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_the_address_by_which_the_reader_came() {
        for (language, words) in [(Language::En, "Larder is running"), (Language::Zh, "正在运行")]
        {
            let page = page(language, "localhost:7000<script>");
            assert!(page.contains(words), "{page}");
            assert!(page.contains("curl localhost:7000&lt;script&gt;/api/v01/user/login"));
            assert!(page.contains("<b>10009</b>") && !page.contains("<script>"));
        }
    }
}
