//! The page at `/`: what this is and what can be asked of it.

use axum::response::Html;

/// The page.
pub(super) async fn index() -> Html<&'static str> {
    Html(PAGE)
}

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Larder</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; color: #222; background: #fdfcf9 }
  h1 { font-size: 1.6rem; margin-bottom: 0 }
  code, pre { font: 14px/1.5 ui-monospace, monospace; background: #f1eee6; border-radius: 4px }
  code { padding: .1rem .3rem } pre { padding: .8rem 1rem; overflow-x: auto }
  table { border-collapse: collapse; width: 100% } td { padding: .25rem .5rem .25rem 0; vertical-align: top; border-top: 1px solid #e5e0d5 }
  .quiet { color: #666 }
  @media (prefers-color-scheme: dark) { body { color: #ddd; background: #1c1b19 } code, pre { background: #2a2825 } td { border-color: #3a3733 } .quiet { color: #999 } }
</style>
<h1>Larder is running</h1>
<p class="quiet">Dynamic data for web apps. This is its HTTP service; a console will stand here one day.</p>
<p>Make the first user on the machine where Larder runs, then log in:</p>
<pre>larder user add ann --admin
curl -s localhost:8379/api/v01/user/login -H 'Content-Type: application/json' \
     -d '{"user_name":"ann","password":"…"}'</pre>
<p>Every other call takes <code>Authorization: Bearer TOKEN</code>, or Basic with name and password.</p>
<table>
<tr><td><code>POST /api/v01/user/dyn</code><td><code>{"data": 100}</code> keeps a number of yours for 60 seconds; with <code>If-None-Match: *</code> only if there is none
<tr><td><code>GET /api/v01/user/dyn</code><td>the number, or null
<tr><td><code>GET /api/v01/user/online</code><td>how many users were here in the last minutes
<tr><td><code>POST /api/v01/user/login</code><td><code>{"user_name", "password"}</code> gives a token for a day
<tr><td><code>POST /api/v01/user/logout</code><td>ends the token
<tr><td><code>GET /api/v01/user</code><td>users, <code>?offset=0&amp;limit=20</code> <span class="quiet">(administrators)</span>
<tr><td><code>POST /api/v01/user</code><td><code>{"user_name", "password", "admin"}</code> creates a user, not active yet <span class="quiet">(administrators)</span>
<tr><td><code>GET PUT DELETE /api/v01/user/ID</code><td>one user; <code>{"password", "admin", "active"}</code>; DELETE deactivates <span class="quiet">(administrators)</span>
</table>
<p>Replies are <code>{"error_code": 0, "message": "…", "data": …}</code>, in Chinese or English by <code>Accept-Language</code>.</p>
</html>
"#;
