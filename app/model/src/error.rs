//! What crosses the wire when something is refused: a stable code and sentences for people.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Sentences at fields, in the order of the fields' names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldErrors(BTreeMap<String, String>);

impl FieldErrors {
    /// A single sentence at one field.
    pub fn one(field: &str, sentence: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, sentence);
        errors
    }

    /// The value of a check, or its error at the field.
    ///
    /// # Errors
    /// The error's sentence at this field.
    pub fn at<T, E: ToString>(field: &str, result: Result<T, E>) -> Result<T, Self> {
        result.map_err(|error| Self::one(field, error.to_string()))
    }

    /// Adds a sentence; the first one at a field stays.
    pub fn add(&mut self, field: &str, sentence: impl Into<String>) {
        self.0.entry(field.to_owned()).or_insert_with(|| sentence.into());
    }

    /// Keeps the value of a check, or notes its error at the field.
    pub fn check<T, E: ToString>(&mut self, field: &str, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(field, error.to_string());
                None
            }
        }
    }

    /// The sentence at a field.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(String::as_str)
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every field with its sentence.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, sentence)| (field.as_str(), sentence.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sentence_at_a_field_stays() {
        let mut errors = FieldErrors::one("name", "Enter a name");
        errors.add("name", "Another");
        assert_eq!(errors.check("email", Err::<(), _>("Enter an address")), None);
        assert_eq!(errors.iter().collect::<Vec<_>>(), [("email", "Enter an address"), ("name", "Enter a name")]);
    }
}
