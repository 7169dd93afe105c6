//! Requests put together by what they have in common.

use crate::{
    convert::{count, time},
    entity::request_log::{Column, Entity},
};
use latchkey_core::port::{
    StoreError,
    request_log::{GroupBy, RequestGroup},
};
use sea_orm::{
    ColumnTrait, FromQueryResult, IdenStatic,
    prelude::Uuid,
    sea_query::{Alias, Expr, ExprTrait, Func, Order, Query, SelectStatement, SimpleExpr},
};

/// A group as it is read; what its requests do not share is empty.
#[derive(FromQueryResult)]
pub(super) struct Row {
    reason: Option<String>,
    method: Option<String>,
    route: Option<String>,
    api_key_id: Option<Uuid>,
    key_hint: Option<String>,
    key_name: Option<String>,
    source: Option<String>,
    requests: i64,
    credentials: i64,
    addresses: i64,
    first_at: i64,
    last_at: i64,
}

impl Row {
    pub(super) fn group(self, by: GroupBy) -> Result<RequestGroup, StoreError> {
        let credential =
            self.api_key_id.map(|id| (id, self.key_hint.unwrap_or_default(), self.key_name.unwrap_or_default()));
        Ok(RequestGroup {
            reason: self.reason,
            route: self.method.zip(self.route),
            credential,
            from: self.source.filter(|_| matches!(by, GroupBy::Address | GroupBy::Network)),
            requests: count(self.requests),
            credentials: count(self.credentials),
            addresses: count(self.addresses),
            first_at: time(self.first_at)?,
            last_at: time(self.last_at)?,
        })
    }
}

/// Nothing, of the kind of a column: PostgreSQL must be told.
fn nothing(column: Column) -> SimpleExpr {
    let kind = if matches!(column, Column::ApiKeyId) { "uuid" } else { "text" };
    Expr::val(None::<String>).cast_as(Alias::new(kind))
}

/// What is asked of a window of requests, those groups with the most first. The filter is still to be added.
pub(super) fn select(window: SelectStatement, by: GroupBy, limit: u64) -> SelectStatement {
    let shared: &[Column] = match by {
        GroupBy::Failure => &[Column::Reason, Column::Method, Column::Route, Column::ApiKeyId],
        GroupBy::Address => &[Column::Address],
        GroupBy::Network => &[Column::Network],
        GroupBy::Route => &[Column::Method, Column::Route],
        GroupBy::Reason => &[Column::Reason],
    };
    let whole = |sum: SimpleExpr| sum.cast_as(Alias::new("bigint"));
    let last = Func::coalesce([Expr::col(Column::LastAt), Expr::col(Column::At)]);
    let mut query = Query::select();
    query.from_subquery(window, Entity);
    for column in [Column::Reason, Column::Method, Column::Route, Column::ApiKeyId] {
        let is_shared = shared.iter().any(|one| one.as_str() == column.as_str());
        query.expr_as(if is_shared { Expr::col(column) } else { nothing(column) }, column);
    }
    // The credential is the same, and may have been given another name.
    let newest_name = |column: Column| match by {
        GroupBy::Failure => column.max(),
        _ => nothing(column),
    };
    let source = match by {
        GroupBy::Address => Expr::col(Column::Address),
        GroupBy::Network => Expr::col(Column::Network),
        _ => nothing(Column::Address),
    };
    query
        .expr_as(newest_name(Column::KeyHint), Column::KeyHint)
        .expr_as(newest_name(Column::KeyName), Column::KeyName)
        .expr_as(source, Alias::new("source"))
        .expr_as(whole(Column::StandsFor.sum()), Alias::new("requests"))
        .expr_as(Expr::col(Column::ApiKeyId).count_distinct(), Alias::new("credentials"))
        .expr_as(Expr::col(Column::Address).count_distinct(), Alias::new("addresses"))
        .expr_as(Column::At.min(), Alias::new("first_at"))
        .expr_as(Expr::expr(last).max(), Alias::new("last_at"))
        .add_group_by(shared.iter().map(|column| Expr::col(*column)))
        .order_by(Alias::new("requests"), Order::Desc)
        .order_by(Alias::new("last_at"), Order::Desc)
        .limit(limit);
    query
}
