//! Looking for a part of a text.

use sea_orm::{
    ColumnTrait,
    sea_query::{Expr, ExprTrait, Func, LikeExpr, SimpleExpr},
};

/// Whether a column has this text in it, whatever the case.
pub(crate) fn contains(column: impl ColumnTrait, text: &str) -> SimpleExpr {
    let pattern = format!("%{}%", escaped(&text.to_lowercase()));
    let lower = Func::lower(Expr::col(column.as_column_ref()));
    Expr::expr(lower).like(LikeExpr::new(pattern).escape('!'))
}

/// Whether a column begins with this text, to the letter.
pub(crate) fn begins_with(column: impl ColumnTrait, text: &str) -> SimpleExpr {
    Expr::col(column.as_column_ref()).like(LikeExpr::new(format!("{}%", escaped(text))).escape('!'))
}

/// A text that LIKE takes to the letter, with `!` as the escape.
fn escaped(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_takes_wildcards_to_the_letter() {
        assert_eq!(escaped("50%_off!"), "50!%!_off!!");
    }
}
