//! Teams: invitations that let in whom they are for, roles that hold at once, an owner at all times, and what stays of who leaves.

use crate::{
    outbox::Outbox,
    support::{Answer, Browser, Portal, between, form_request, join_all},
};
use http::StatusCode;
use time::Duration;

const ADA: &str = "ada@example.org";
const EVE: &str = "eve@example.org";

/// A team with its owner, and an admin who reads the mails that are not sent.
struct Scene {
    portal: Portal,
    ada: Browser,
    outbox: Outbox,
    team: String,
}

impl Scene {
    async fn on(portal: Portal) -> Self {
        let outbox = Outbox::of(&portal).await;
        let mut ada = portal.member(ADA).await;
        let team = ada.team_id().await;
        Self { portal, ada, outbox, team }
    }

    async fn new() -> Self {
        Self::on(Portal::start().await).await
    }

    fn page(&self) -> String {
        format!("/teams/{}", self.team)
    }

    async fn invite(&mut self, email: &str, role: &str) -> Answer {
        let (page, team) = (self.page(), self.team.clone());
        self.ada.send(&page, "/form/team/invite", &[("team", &team), ("email", email), ("role", role)]).await
    }

    /// The link of the newest invitation to an address.
    async fn link(&mut self, email: &str) -> String {
        self.outbox.link(&self.portal, email, "/invitation").await
    }

    async fn join(&mut self, browser: &mut Browser, email: &str, role: &str) {
        self.invite(email, role).await;
        let link = self.link(email).await;
        assert_eq!(accept(browser, &link).await.location(), self.page());
    }

    /// The id of a member, as the team's page has it.
    async fn member(&mut self, email: &str) -> String {
        let page = self.page();
        let text = self.ada.get(&page).await.text();
        let row = text.split("<tr>").skip(1).find(|row| row.contains(email)).unwrap().to_owned();
        between(&row, "name=\"member\" value=\"", "\"").to_owned()
    }

    async fn of_member(&mut self, action: &str, member: &str, role: &str) -> String {
        let (page, team) = (self.page(), self.team.clone());
        let fields = [("team", team.as_str()), ("member", member), ("role", role)];
        let answer = self.ada.send(&page, action, &fields).await;
        self.ada.get(answer.location()).await.text()
    }
}

async fn accept(browser: &mut Browser, link: &str) -> Answer {
    let token = link.split_once("token=").unwrap().1;
    browser.send(link, "/form/team/accept", &[("token", token)]).await
}

#[tokio::test]
async fn whoever_is_invited_joins_and_whoever_has_the_link_does_not() {
    let mut scene = Scene::new().await;
    let application = scene.ada.application("Bookshelf").await;
    let keys = format!("/apps/{application}/development/keys");
    let mut eve = scene.portal.member(EVE).await;
    let mut mallory = scene.portal.member("mallory@example.org").await;
    assert_eq!(scene.invite(EVE, "viewer").await.location(), scene.page());
    let link = scene.link(EVE).await;
    let mut nobody = scene.portal.browser();
    assert!(nobody.get(&link).await.text().contains("Sign in, or create an account, with eve@example.org"));
    assert!(mallory.get(&link).await.text().contains("you are signed in as mallory@example.org"));
    assert_eq!(accept(&mut mallory, &link).await.location(), link);
    assert_eq!(mallory.get(&scene.page()).await.status, StatusCode::NOT_FOUND);
    assert!(eve.get(&link).await.text().contains("Ada invites you, as its viewer"), "looking takes nothing");
    assert_eq!(eve.get(&keys).await.status, StatusCode::NOT_FOUND);
    assert_eq!(accept(&mut eve, &link).await.location(), scene.page());
    assert!(eve.get(&scene.page()).await.text().contains("You look at what this team owns"));
    assert_eq!(eve.get(&keys).await.status, StatusCode::OK);
    assert_eq!(accept(&mut eve, &link).await.location(), link, "r17: once");
    // A viewer looks; a change of role is in force with the next request.
    let made = eve.create_key(&application, "development", &[("scopes[]", "read:posts"), ("expiry", "never")]).await;
    assert!(made.location().ends_with("/keys/new"), "{made:?}");
    let member = scene.member(EVE).await;
    scene.of_member("/form/team/set-role", &member, "developer").await;
    let key = eve.key(&application, "development", &["read:posts"], "never").await;
    // What she made stays when she goes, and says who made it.
    let told = scene.of_member("/form/team/remove", &member, "").await;
    assert!(told.contains("They are in the team no more"), "{told:.6000}");
    assert_eq!(eve.get(&keys).await.status, StatusCode::NOT_FOUND);
    assert_eq!(scene.portal.with_key(&key, "GET", "/api/v1/posts", "").await.status, StatusCode::OK);
    let outbox = scene.outbox.0.get("/admin/outbox").await.text();
    assert!(outbox.contains("You are not in the team Ada any more"), "{outbox:.6000}");
}

#[tokio::test]
async fn a_person_takes_along_what_is_kept_about_them_and_nobody_elses() {
    let mut scene = Scene::new().await;
    scene.portal.member(EVE).await;
    let token = scene.ada.token_with(&[("scopes[]", "read:posts"), ("expiry", "30")]).await;
    let file = scene.ada.get("/account/data/export").await;
    assert_eq!((file.status, file.header("content-type")), (StatusCode::OK, "application/json"));
    assert!(file.header("content-disposition").starts_with("attachment"), "{file:?}");
    assert_eq!(file.header("cache-control"), "no-store");
    let data = file.json();
    assert_eq!((&data["account"]["email"], &data["account"]["name"]), (&ADA.into(), &"Ada".into()));
    assert_eq!(data["teams"][0]["role"], "owner");
    assert_eq!(data["personal_access_tokens"][0]["name"], "My script");
    assert_eq!(data["sessions"].as_array().unwrap().len(), 1);
    let text = file.text();
    assert!(!text.contains(EVE) && !text.contains(&token) && !text.contains("argon2"), "{text}");
    assert!(scene.portal.browser().get("/account/data/export").await.location().starts_with("/login"));
    scene.portal.clock.advance(Duration::minutes(11));
    let again = scene.ada.get("/account/data/export").await;
    assert!(again.location().starts_with("/login?next=%2Faccount%2Fdata&again=yes"), "{again:?}");
}

#[tokio::test]
async fn r46_an_invitation_is_the_same_for_an_address_that_has_no_account() {
    let mut scene = Scene::new().await;
    scene.portal.member(EVE).await;
    let mut seen = Vec::new();
    for email in [EVE, "newcomer@example.org"] {
        let answer = scene.invite(email, "developer").await;
        seen.push((answer.status, answer.location().to_owned(), answer.text()));
    }
    assert_eq!(seen[0], seen[1]);
    let page = scene.page();
    let text = scene.ada.get(&page).await.text();
    assert!(text.contains(EVE) && text.contains("newcomer@example.org"));
    let link = scene.link("newcomer@example.org").await;
    let mut newcomer = scene.portal.member("newcomer@example.org").await;
    assert_eq!(accept(&mut newcomer, &link).await.location(), scene.page());
    assert!(newcomer.get("/account/profile").await.text().contains(">confirmed<"), "the mail reached its reader");
    // The one who has two teams says in which an application is made.
    let form = newcomer.get("/apps/new").await.text();
    assert!(form.contains("<select id=\"team\""), "{form:.9000}");
    let fields = [("name", "Shared"), ("team", scene.team.as_str())];
    newcomer.send("/apps/new", "/form/application/create", &fields).await;
    assert!(scene.ada.get("/apps").await.text().contains("Shared"));
}

#[tokio::test]
async fn invitations_end_by_time_by_another_one_and_by_being_called_off() {
    let mut scene = Scene::new().await;
    let mut eve = scene.portal.member(EVE).await;
    scene.invite(EVE, "viewer").await;
    let first = scene.link(EVE).await;
    scene.portal.clock.advance(Duration::minutes(5));
    scene.invite(EVE, "developer").await;
    let second = scene.link(EVE).await;
    assert_ne!(first, second);
    assert!(eve.get(&first).await.text().contains("not good any more"));
    let page = scene.page();
    let id = between(&scene.ada.get(&page).await.text(), "name=\"id\" value=\"", "\"").to_owned();
    let team = scene.team.clone();
    scene.ada.send(&page, "/form/team/call-off", &[("team", &team), ("id", &id)]).await;
    assert!(eve.get(&second).await.text().contains("not good any more"));
    assert_eq!(accept(&mut eve, &second).await.location(), second);
    scene.invite(EVE, "developer").await;
    let third = scene.link(EVE).await;
    scene.portal.clock.advance(Duration::days(7));
    assert!(eve.get(&third).await.text().contains("not good any more"));
    eve.sign_in_again(EVE).await;
    assert_eq!(eve.get(&page).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn api5_only_owners_say_who_is_in_a_team() {
    let mut scene = Scene::new().await;
    let mut eve = scene.portal.member(EVE).await;
    scene.join(&mut eve, EVE, "developer").await;
    let ada = scene.member(ADA).await;
    let page = scene.page();
    let team = scene.team.clone();
    let text = eve.get(&page).await.text();
    assert!(!text.contains("Invite somebody") && !text.contains("<select"), "{text:.9000}");
    for (action, more) in [
        ("/form/team/invite", ("email", "mallory@example.org")),
        ("/form/team/rename", ("name", "Hers")),
        ("/form/team/set-role", ("role", "viewer")),
        ("/form/team/remove", ("role", "")),
    ] {
        let answer = eve.send(&page, action, &[("team", &team), ("member", &ada), more]).await;
        let said = eve.get(answer.location()).await.text();
        assert!(said.contains("Only an owner of the team can do this"), "{action}: {said:.6000}");
    }
    let mut mallory = scene.portal.member("mallory@example.org").await;
    for (action, more) in [("/form/team/invite", ("email", EVE)), ("/form/team/rename", ("name", "Mine"))] {
        let answer = mallory.send(&page, action, &[("team", &team), ("member", &ada), more]).await;
        assert_eq!(answer.location(), "/teams", "{action}");
    }
    assert!(scene.ada.get(&page).await.text().contains("You own this team"));
}

#[tokio::test]
async fn the_last_owner_cannot_leave() {
    let mut scene = Scene::new().await;
    let mut eve = scene.portal.member(EVE).await;
    scene.join(&mut eve, EVE, "developer").await;
    let own = scene.member(ADA).await;
    for (action, role) in [("/form/team/remove", ""), ("/form/team/set-role", "viewer")] {
        let told = scene.of_member(action, &own, role).await;
        assert!(told.contains("The team would have no owner"), "{action}: {told:.6000}");
    }
    let eves = scene.member(EVE).await;
    scene.of_member("/form/team/set-role", &eves, "owner").await;
    let told = scene.of_member("/form/team/remove", &own, "").await;
    assert!(told.contains("You have left the team"), "{told:.6000}");
    assert_eq!(scene.ada.get(&scene.page()).await.status, StatusCode::NOT_FOUND);
    assert!(eve.get(&scene.page()).await.text().contains("You own this team"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_owners_who_leave_at_once_one_stays_and_one_invitation_is_taken_once() {
    for portal in [Portal::start().await, Portal::on_postgres().await] {
        let mut scene = Scene::on(portal).await;
        let mut eve = scene.portal.member(EVE).await;
        scene.invite(EVE, "owner").await;
        let link = scene.link(EVE).await;
        let csrf = eve.token().await;
        let token = link.split_once("token=").unwrap().1.to_owned();
        let takes = (0..32).map(|_| {
            let (mut browser, csrf, link, token) = (eve.clone(), csrf.clone(), link.clone(), token.clone());
            tokio::spawn(async move {
                let fields = [("_csrf", csrf.as_str()), ("_back", link.as_str()), ("token", token.as_str())];
                let answer = browser.send_request(form_request("/form/team/accept", &fields)).await;
                usize::from(answer.location().starts_with("/teams/"))
            })
        });
        assert_eq!(join_all(takes).await.into_iter().map(Result::unwrap).sum::<usize>(), 1);
        let (ada_id, eve_id) = (scene.member(ADA).await, scene.member(EVE).await);
        for _ in 0..8 {
            let adas = scene.ada.token().await;
            let leaves = [(scene.ada.clone(), adas, &ada_id), (eve.clone(), csrf.clone(), &eve_id)].map(
                |(mut browser, csrf, member)| {
                    let (page, team, member) = (scene.page(), scene.team.clone(), member.clone());
                    tokio::spawn(async move {
                        let fields = [("_csrf", csrf.as_str()), ("_back", &page), ("team", &team), ("member", &member)];
                        browser.send_request(form_request("/form/team/remove", &fields)).await.location() == "/teams"
                    })
                },
            );
            let left: Vec<_> = join_all(leaves.into_iter()).await.into_iter().map(Result::unwrap).collect();
            assert_eq!(left.iter().filter(|left| **left).count(), 1, "{left:?}");
            // Whoever stays invites the other again.
            let (mut stays, mut left, email) =
                if left[0] { (eve.clone(), scene.ada.clone(), ADA) } else { (scene.ada.clone(), eve.clone(), EVE) };
            let fields = [("team", scene.team.as_str()), ("email", email), ("role", "owner")];
            stays.send(&scene.page(), "/form/team/invite", &fields).await;
            let link = scene.link(email).await;
            assert_eq!(accept(&mut left, &link).await.location(), scene.page());
        }
    }
}

#[tokio::test]
async fn nobody_is_flooded_with_invitations_and_no_name_makes_a_link_in_one() {
    let mut scene = Scene::new().await;
    let (page, team) = (scene.page(), scene.team.clone());
    let name = "https://evil.example/win";
    scene.ada.send(&page, "/form/team/rename", &[("team", &team), ("name", name)]).await;
    scene.invite(EVE, "viewer").await;
    let link = scene.link(EVE).await;
    for email in [EVE, "EVE@example.org"] {
        scene.invite(email, "viewer").await;
        assert!(scene.ada.get(&page).await.text().contains("They were invited a moment ago"), "{email}");
    }
    let mails = scene.outbox.to(&scene.portal, EVE).await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(
        !mails[0].contains("evil.example") && mails[0].contains("Ada invites you to the team of theirs"),
        "{mails:?}"
    );
    let mut eve = scene.portal.member(EVE).await;
    assert_eq!(accept(&mut eve, &link).await.location(), page, "the first one is still good");
    for number in 0..60 {
        scene.invite(&format!("number{number}@example.org"), "viewer").await;
    }
    assert!(scene.ada.get(&page).await.text().contains("you have invited many"));
}
