//! `tidings secret`: rotation of the key that signs tokens.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::{TestBinary, TestUser};

#[tokio::test]
async fn rotated_secret_keeps_logins() {
    let binary = TestBinary::migrated().await;
    let mut serving = binary.serve(&[]).await;
    let mut ann = TestUser::register(&serving.site, "ann").await;
    let refused = binary
        .run(&["secret", "rotate"], "")
        .await
        .expect_failure(1);
    assert!(refused.contains("stop it first"), "{refused}");
    serving.signal("TERM").await;
    assert!(serving.wait_for_exit().await.success());
    let secret = || std::fs::read(binary.folder().join("secret")).unwrap();
    let before = secret();
    binary.run(&["secret", "rotate"], "").await.expect_success();
    assert_ne!(secret(), before);
    let former = binary.folder().join("secret.former");
    let mode = std::fs::metadata(&former).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let mut serving = binary.serve(&[]).await;
    ann.site = serving.site.clone();
    ann.get("/api/me/").await.expect(200);
    let mut again = ann.log_in_again().await;
    again.get("/api/me/").await.expect(200);
    serving.signal("TERM").await;
    assert!(serving.wait_for_exit().await.success());
    // After the second rotation the first key is no longer known.
    binary.run(&["secret", "rotate"], "").await.expect_success();
    let serving = binary.serve(&[]).await;
    (ann.site, again.site) = (serving.site.clone(), serving.site.clone());
    ann.get("/api/me/")
        .await
        .expect_problem(401, "unauthenticated");
    again.get("/api/me/").await.expect(200);
}
