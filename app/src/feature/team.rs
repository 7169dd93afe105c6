//! Teams: who is in them, inviting others, taking an invitation.

mod invitation_page;
mod team_fn;
mod team_page;
mod teams_page;

pub use invitation_page::InvitationPage;
pub use team_page::TeamPage;
pub use teams_page::TeamsPage;
