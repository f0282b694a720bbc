//! Stores in a folder: what was written is there the next time, and a folder has one owner.

use larder::{Error, Larder};

fn url(folder: &std::path::Path, query: &str) -> String {
    format!("larder:{}{query}", folder.display())
}

#[test]
fn a_folder_keeps_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    for (round, query) in ["", "?fsync=always", "?fsync=everysec", "?fsync=no"].iter().enumerate() {
        let store = Larder::open(&url(&folder.path().join("data"), query)).unwrap();
        assert_eq!(store.incr_by("n", 1).unwrap(), round as i64 + 1);
        let large = vec![b'x'; 200_000];
        store.set("large", &large).unwrap();
        assert_eq!(store.get("large").unwrap().as_deref(), Some(&large[..]));
        drop(store);
        assert!(!folder.path().join("data/appendonlydir/larder.ring").exists());
    }
}

#[test]
fn a_folder_has_one_owner() {
    let folder = tempfile::tempdir().unwrap();
    let store = Larder::open(&url(folder.path(), "")).unwrap();
    let refused = Larder::open(&url(folder.path(), "")).unwrap_err();
    assert!(matches!(refused, Error::Folder { .. }));
    assert!(refused.to_string().contains(&std::process::id().to_string()), "{refused}");
    drop(store);
    Larder::open(&url(folder.path(), "")).unwrap();
    for query in ["?fsync=sometimes", "?sync=always"] {
        let refused = Larder::open(&url(folder.path(), query)).unwrap_err();
        assert!(matches!(refused, Error::Url(_)), "{refused}");
    }
}

#[tokio::test]
async fn async_callers_wait_for_the_disk_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = Larder::open(&url(folder.path(), "?fsync=always")).unwrap();
    for n in 1..=20 {
        assert_eq!(store.asynchronous().incr_by("n", 1).await.unwrap(), n);
    }
}
