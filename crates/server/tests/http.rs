//! The HTTP service as its clients see it, on a clock that the test moves.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use larder::Larder;
use larder::engine::clock::FakeClock;
use larder::engine::config::Config;
use larder::engine::{Engine, NoHost, Options};
use larder_server::http::{Accounts, NewUser, Service};
use serde_json::{Value, json};
use std::sync::Arc;
use tower::ServiceExt;

struct App {
    service: Service,
    store: Larder,
    accounts: Arc<Accounts>,
    clock: Arc<FakeClock>,
}

fn store(clock: &Arc<FakeClock>) -> Larder {
    Larder::over(Engine::new(Options {
        shards: 4,
        hash_seed: 1,
        random_seed: 1,
        clock: clock.clone(),
        config: Arc::new(Config::default()),
        host: Arc::new(NoHost),
    }))
}

/// A service with an administrator `ann` and a user `bob`, both with the password `password`.
fn app() -> App {
    let clock = Arc::new(FakeClock::new(1_700_000_000_000));
    let store = store(&clock);
    let accounts = Arc::new(Accounts::new(self::store(&clock)).unwrap());
    for (name, admin) in [("ann", true), ("bob", false)] {
        let new = NewUser { name, password: "password", admin, active: true };
        accounts.create(&new).unwrap();
    }
    let service = Service::new(&store, accounts.clone(), None, &[]);
    App { service, store, accounts, clock }
}

fn basic(name: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:password")))
}

impl App {
    async fn send(&self, request: Request<Body>) -> (StatusCode, Value) {
        let response = self.service.router().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn call(&self, method: &str, path: &str, auth: &str, body: Value) -> (StatusCode, Value) {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost:8379")
            .header(header::ACCEPT_LANGUAGE, "en");
        if !auth.is_empty() {
            request = request.header(header::AUTHORIZATION, auth);
        }
        let body = if body.is_null() {
            Body::empty()
        } else {
            request = request.header(header::CONTENT_TYPE, "application/json");
            Body::from(body.to_string())
        };
        self.send(request.body(body).unwrap()).await
    }

    async fn code(&self, method: &str, path: &str, auth: &str, body: Value) -> u64 {
        self.call(method, path, auth, body).await.1["error_code"].as_u64().unwrap()
    }

    async fn token(&self, name: &str) -> String {
        let body = json!({ "user_name": name, "password": "password" });
        let (_, reply) = self.call("POST", "/api/v01/user/login", "", body).await;
        format!("Bearer {}", reply["data"]["token"].as_str().unwrap())
    }
}

#[tokio::test]
async fn login_gives_a_token_for_a_day() {
    let app = app();
    let body = json!({ "user_name": "ann", "password": "password" });
    let (status, reply) = app.call("POST", "/api/v01/user/login", "", body).await;
    assert_eq!((status, &reply["error_code"]), (StatusCode::OK, &json!(0)));
    assert_eq!(reply["message"], "success");
    assert_eq!(reply["data"]["expire"], "2023-11-15 22:13:20");
    assert_eq!(reply["data"]["admin"], true);
    assert_eq!(reply["data"]["name"], "ann");
    let token = format!("Bearer {}", reply["data"]["token"].as_str().unwrap());
    assert_eq!(app.code("GET", "/api/v01/user/dyn", &token, Value::Null).await, 0);
    app.clock.advance_ms(24 * 3600 * 1000);
    let (status, _) = app.call("GET", "/api/v01/user/dyn", &token, Value::Null).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn dynamic_data_lives_sixty_seconds() {
    let app = app();
    let bob = app.token("bob").await;
    let path = "/api/v01/user/dyn";
    assert_eq!(app.call("GET", path, &bob, Value::Null).await.1["data"], Value::Null);
    for data in [100, 0, -5] {
        let body = json!({ "data": data });
        assert_eq!(app.code("POST", path, &bob, body).await, 0);
        let (_, reply) = app.call("GET", path, &bob, Value::Null).await;
        assert_eq!((&reply["error_code"], &reply["data"]), (&json!(0), &json!(data)));
    }
    app.clock.advance_ms(59_999);
    assert_eq!(app.call("GET", path, &bob, Value::Null).await.1["data"], -5);
    app.clock.advance_ms(1);
    assert_eq!(app.call("GET", path, &bob, Value::Null).await.1["data"], Value::Null);
    for body in [json!({}), json!({ "data": null })] {
        assert_eq!(app.code("POST", path, &bob, body).await, 10008);
    }
}

#[tokio::test]
async fn data_is_the_callers_own_and_can_be_set_once() {
    let app = app();
    let (ann, bob) = (app.token("ann").await, app.token("bob").await);
    let path = "/api/v01/user/dyn";
    app.call("POST", path, &ann, json!({ "data": 1 })).await;
    assert_eq!(app.call("GET", path, &bob, Value::Null).await.1["data"], Value::Null);
    let once = |auth: &str| {
        Request::post(path)
            .header(header::HOST, "localhost")
            .header(header::AUTHORIZATION, auth)
            .header(header::IF_NONE_MATCH, "*")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(r#"{"data": 9}"#))
            .unwrap()
    };
    assert_eq!(app.send(once(&ann)).await.1["error_code"], 10009);
    assert_eq!(app.send(once(&bob)).await.1["error_code"], 0);
    assert_eq!(app.call("GET", path, &ann, Value::Null).await.1["data"], 1);
}

#[tokio::test]
async fn strangers_are_refused() {
    let app = app();
    let path = "/api/v01/user/dyn";
    let wrong = format!("Basic {}", STANDARD.encode("ann:wrong-password"));
    for auth in ["", "Bearer nonsense", "Basic !", "Digest x", &wrong] {
        let (status, reply) = app.call("GET", path, auth, Value::Null).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{auth}");
        assert_eq!(reply["error_code"], 10004);
    }
    assert_eq!(app.code("GET", path, &basic("ann"), Value::Null).await, 0);
    let login = "/api/v01/user/login";
    let body = json!({ "user_name": "ann", "password": "wrong-password" });
    assert_eq!(app.code("POST", login, "", body).await, 10004);
    let body = json!({ "user_name": "nobody", "password": "password" });
    assert_eq!(app.code("POST", login, "", body).await, 10004);
}

#[tokio::test]
async fn failed_logins_are_counted_and_the_count_expires() {
    let app = app();
    let login = "/api/v01/user/login";
    let wrong = json!({ "user_name": "bob", "password": "wrong-password" });
    for _ in 0..10 {
        assert_eq!(app.code("POST", login, "", wrong.clone()).await, 10004);
    }
    let right = json!({ "user_name": "bob", "password": "password" });
    let (status, _) = app.call("POST", login, "", right.clone()).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    app.clock.advance_ms(5 * 60 * 1000);
    assert_eq!(app.code("POST", login, "", right).await, 0);
}

#[tokio::test]
async fn administrators_manage_users() {
    let app = app();
    let (ann, bob) = (app.token("ann").await, app.token("bob").await);
    let users = "/api/v01/user";
    let eve = json!({ "user_name": "eve", "password": "password", "admin": false });
    let (status, _) = app.call("POST", users, &bob, eve.clone()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (_, reply) = app.call("POST", users, &ann, eve.clone()).await;
    assert_eq!(reply["data"], json!({ "id": 3, "name": "eve", "admin": false, "active": false }));
    assert_eq!(app.code("POST", users, &ann, eve).await, 10006);
    let login = json!({ "user_name": "eve", "password": "password" });
    assert_eq!(app.code("POST", "/api/v01/user/login", "", login.clone()).await, 10005);
    let active = json!({ "active": true });
    assert_eq!(app.code("PUT", "/api/v01/user/3", &ann, active).await, 0);
    assert_eq!(app.code("POST", "/api/v01/user/login", "", login.clone()).await, 0);
    let (_, reply) = app.call("GET", "/api/v01/user?offset=1&limit=1", &ann, Value::Null).await;
    assert_eq!(reply["data"]["count"], 3);
    assert_eq!(reply["data"]["users"][0]["name"], "bob");
    assert_eq!(app.code("GET", "/api/v01/user/99", &ann, Value::Null).await, 10007);
    assert_eq!(app.code("PUT", "/api/v01/user/99", &ann, json!({})).await, 10007);
    assert_eq!(app.code("GET", "/api/v01/user/0", &ann, Value::Null).await, 10001);
    assert_eq!(app.code("GET", "/api/v01/user/x", &ann, Value::Null).await, 10002);
    assert_eq!(app.code("GET", "/api/v01/user/2", &bob, Value::Null).await, 0, "oneself");
    let (status, _) = app.call("GET", "/api/v01/user/1", &bob, Value::Null).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(app.code("DELETE", "/api/v01/user/2", &ann, Value::Null).await, 0);
    let (status, reply) = app.call("GET", "/api/v01/user/dyn", &bob, Value::Null).await;
    assert_eq!((status, &reply["error_code"]), (StatusCode::UNAUTHORIZED, &json!(10005)));
}

#[tokio::test]
async fn a_new_password_or_a_logout_ends_tokens() {
    let app = app();
    let (ann, bob) = (app.token("ann").await, app.token("bob").await);
    let change = json!({ "password": "another password" });
    assert_eq!(app.code("PUT", "/api/v01/user/2", &ann, change).await, 0);
    let (status, _) = app.call("GET", "/api/v01/user/dyn", &bob, Value::Null).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(app.code("POST", "/api/v01/user/logout", &ann, Value::Null).await, 0);
    let (status, _) = app.call("GET", "/api/v01/user/dyn", &ann, Value::Null).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_of_a_deactivated_user_does_not_come_back() {
    let app = app();
    let (ann, bob) = (app.token("ann").await, app.token("bob").await);
    assert_eq!(app.code("DELETE", "/api/v01/user/2", &ann, Value::Null).await, 0);
    assert_eq!(app.code("PUT", "/api/v01/user/2", &ann, json!({ "active": true })).await, 0);
    let (status, _) = app.call("GET", "/api/v01/user/dyn", &bob, Value::Null).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let bob = app.token("bob").await;
    assert_eq!(app.code("GET", "/api/v01/user/dyn", &bob, Value::Null).await, 0);
}

#[tokio::test]
async fn a_user_who_logs_in_without_end_holds_so_many_tokens() {
    let app = app();
    let first = app.token("bob").await;
    for _ in 1..larder_server::http::MAX_TOKENS {
        app.accounts.log_in("bob", "password").unwrap();
    }
    let path = "/api/v01/user/dyn";
    assert_eq!(app.code("GET", path, &first, Value::Null).await, 0);
    let last = app.token("bob").await;
    assert_eq!(app.call("GET", path, &first, Value::Null).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(app.code("GET", path, &last, Value::Null).await, 0);
}

#[tokio::test]
async fn sentences_come_in_both_languages() {
    let app = app();
    let request = |language: &'static str| {
        Request::post("/api/v01/user/login")
            .header(header::HOST, "localhost")
            .header(header::ACCEPT_LANGUAGE, language)
            .body(Body::from("{}"))
            .unwrap()
    };
    let message = |reply: Value| reply["message"].as_str().unwrap().to_owned();
    let en = message(app.send(request("en")).await.1);
    assert_eq!(en, "malformed parameter: send JSON with the header Content-Type: application/json");
    let zh = message(app.send(request("zh-CN,zh;q=0.9,en;q=0.8")).await.1);
    assert_eq!(zh, "参数错误: 请以 JSON 发送，并带上请求头 Content-Type: application/json");
}

#[tokio::test]
async fn who_is_here_shows_no_part_of_a_token() {
    let app = app();
    let ann = app.token("ann").await;
    app.call("GET", "/api/v01/user/online", &ann, Value::Null).await;
    let start = &ann["Bearer ".len()..][..8];
    let mut seen = String::new();
    let keys = all_keys(&app.store);
    assert!(!keys.is_empty());
    for key in &keys {
        seen.push_str(key);
        for command in [["GET", key], ["SMEMBERS", key]] {
            seen.push_str(&format!("{:?}", app.store.command(&command)));
        }
    }
    assert!(!seen.contains(start), "{seen}");
}

fn all_keys(store: &Larder) -> Vec<String> {
    let Ok(larder::Value::Array(keys)) = store.command(&["KEYS", "*"]) else { return Vec::new() };
    let text = |key| match key {
        larder::Value::Bulk(bytes) => String::from_utf8(bytes).unwrap(),
        other => panic!("{other:?}"),
    };
    keys.into_iter().map(text).collect()
}

#[tokio::test]
async fn everybody_who_asks_is_online() {
    let app = app();
    let (ann, bob) = (app.token("ann").await, app.token("bob").await);
    let path = "/api/v01/user/online";
    assert_eq!(app.call("GET", path, &ann, Value::Null).await.1["data"]["online"], 1);
    assert_eq!(app.call("GET", path, &bob, Value::Null).await.1["data"]["online"], 2);
    app.clock.advance_ms(200_000);
    app.call("GET", path, &bob, Value::Null).await;
    app.clock.advance_ms(200_000);
    assert_eq!(app.call("GET", path, &bob, Value::Null).await.1["data"]["online"], 1);
}

#[tokio::test]
async fn bad_requests_get_a_sentence_and_never_a_500() {
    let app = app();
    let ann = app.token("ann").await;
    let post = |body: Vec<u8>, kind: &'static str| {
        Request::post("/api/v01/user/dyn")
            .header(header::HOST, "localhost")
            .header(header::AUTHORIZATION, &ann)
            .header(header::ACCEPT_LANGUAGE, "en")
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(body))
            .unwrap()
    };
    let json = "application/json";
    for (body, kind) in [
        (b"{".to_vec(), json),
        (b"{\"data\": \"x\"}".to_vec(), json),
        (b"{\"data\": 1.5}".to_vec(), json),
        (b"{\"data\": 99999999999999999999}".to_vec(), json),
        (b"[]".to_vec(), json),
        (b"{\"data\": 1}".to_vec(), "text/plain"),
        (vec![b' '; 100_000], json),
        (b"\xff\xfe".to_vec(), json),
    ] {
        let (status, reply) = app.send(post(body.clone(), kind)).await;
        assert_eq!(
            status,
            StatusCode::BAD_REQUEST,
            "{:?}",
            String::from_utf8_lossy(&body[..9.min(body.len())])
        );
        assert_eq!(reply["error_code"], 10003);
        assert!(reply["message"].as_str().unwrap().starts_with("malformed parameter: "));
    }
    for path in ["?limit=0", "?limit=101", "?limit=x", "?offset=-1", "?what=1"] {
        let path = format!("/api/v01/user{path}");
        let (status, reply) = app.call("GET", &path, &ann, Value::Null).await;
        assert_eq!((status, &reply["error_code"]), (StatusCode::BAD_REQUEST, &json!(10003)));
    }
    let (status, _) = app.call("GET", "/nowhere", "", Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, _) = app.call("PATCH", "/api/v01/user", &ann, Value::Null).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn other_hosts_are_not_answered_and_messages_follow_the_language() {
    let app = app();
    let request = Request::get("/").header(header::HOST, "evil.example").body(Body::empty());
    assert_eq!(app.send(request.unwrap()).await.0, StatusCode::MISDIRECTED_REQUEST);
    let request = Request::get("/").header(header::HOST, "127.0.0.1:8379").body(Body::empty());
    assert_eq!(app.send(request.unwrap()).await.0, StatusCode::OK);
    let request = Request::get("/api/v01/user/dyn").header(header::HOST, "localhost");
    let request = request.header(header::AUTHORIZATION, basic("ann")).body(Body::empty());
    assert_eq!(app.send(request.unwrap()).await.1["message"], "请求成功");
}

#[tokio::test]
async fn no_command_of_a_client_reaches_the_accounts() {
    let app = app();
    let ann = app.token("ann").await;
    app.store.command(&["FLUSHALL"]).unwrap();
    assert_eq!(app.code("GET", "/api/v01/user/dyn", &ann, Value::Null).await, 0);
    assert!(app.accounts.user(1).is_ok());
    let keys = app.store.command(&["KEYS", "*"]).unwrap();
    assert!(!format!("{keys:?}").contains("token"), "{keys:?}");
}
