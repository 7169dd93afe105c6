//! The picture of a client. It is uploaded, never fetched, and drawn anew: what people are shown when they are asked is pixels and
//! nothing else that was in the file.

use crate::secret::{hex, sha256};
use image::{ImageFormat, ImageReader, Limits};
use std::{fmt, io::Cursor, str::FromStr};

/// A picture, as it is kept and shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Logo {
    png: Vec<u8>,
    digest: LogoDigest,
}

/// What names a picture in its address: another picture has another address, so that it can be kept for ever.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LogoDigest(String);

/// Why a file cannot be a picture; the sentence is for who uploaded it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LogoError {
    /// There is no file, or one that is too large.
    #[error("Choose a picture of at most 2 MB")]
    Size,
    /// It is of a kind that is not shown.
    #[error("Choose a PNG, a JPEG or a WebP picture, of at most 2,048 pixels a side")]
    Kind,
}

impl Logo {
    /// The longest file that is read, in bytes.
    pub const LARGEST: usize = 2 * 1024 * 1024;
    /// The longest side of what is kept, in pixels.
    const SIDE: u32 = 192;
    /// The longest side of what is read.
    const READ_SIDE: u32 = 2_048;
    /// Memory that reading may take: a picture of a few bytes can claim to be a huge one.
    const MEMORY: u64 = 32 * 1024 * 1024;
    const KINDS: [ImageFormat; 3] = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP];

    /// Reads a file, and draws it anew.
    ///
    /// # Errors
    /// [`LogoError`].
    pub fn draw(file: &[u8]) -> Result<Self, LogoError> {
        if file.is_empty() || file.len() > Self::LARGEST {
            return Err(LogoError::Size);
        }
        let mut reader = ImageReader::new(Cursor::new(file)).with_guessed_format().map_err(|_| LogoError::Kind)?;
        if !reader.format().is_some_and(|format| Self::KINDS.contains(&format)) {
            return Err(LogoError::Kind);
        }
        let mut limits = Limits::default();
        limits.max_image_width = Some(Self::READ_SIDE);
        limits.max_image_height = Some(Self::READ_SIDE);
        limits.max_alloc = Some(Self::MEMORY);
        reader.limits(limits);
        let picture = reader.decode().map_err(|_| LogoError::Kind)?;
        let larger = picture.width() > Self::SIDE || picture.height() > Self::SIDE;
        let picture = if larger { picture.thumbnail(Self::SIDE, Self::SIDE) } else { picture };
        let mut png = Vec::new();
        picture.to_rgba8().write_to(&mut Cursor::new(&mut png), ImageFormat::Png).map_err(|_| LogoError::Kind)?;
        let digest = LogoDigest(hex(&sha256(&png)[..16]));
        Ok(Self { png, digest })
    }

    /// The picture, as PNG.
    pub fn png(&self) -> &[u8] {
        &self.png
    }

    /// What names it.
    pub fn digest(&self) -> &LogoDigest {
        &self.digest
    }
}

impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Logo").field(&self.digest.0).finish()
    }
}

/// The text names no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a picture is named by 32 hexadecimal digits")]
pub struct ParseLogoDigestError;

impl FromStr for LogoDigest {
    type Err = ParseLogoDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if digits { Ok(Self(text.to_owned())) } else { Err(ParseLogoDigestError) }
    }
}

impl fmt::Display for LogoDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{DynamicImage, RgbaImage};

    fn file(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let picture = DynamicImage::ImageRgba8(RgbaImage::from_pixel(width, height, image::Rgba([9, 99, 199, 255])));
        let mut bytes = Vec::new();
        picture.to_rgb8().write_to(&mut Cursor::new(&mut bytes), format).unwrap();
        bytes
    }

    #[test]
    fn a_picture_is_drawn_anew_and_small() {
        for format in Logo::KINDS {
            let logo = Logo::draw(&file(800, 400, format)).unwrap();
            let drawn = image::load_from_memory_with_format(logo.png(), ImageFormat::Png).unwrap();
            assert_eq!((drawn.width(), drawn.height()), (192, 96), "{format:?}");
            assert_eq!(logo.digest().to_string().parse(), Ok(logo.digest().clone()));
        }
        let mut hidden = file(20, 20, ImageFormat::Png);
        hidden.extend_from_slice(b"<script>alert(1)</script>");
        let logo = Logo::draw(&hidden).unwrap();
        assert!(!logo.png().windows(8).any(|window| window == b"<script>"), "what hides behind it is gone");
    }

    #[test]
    fn r61_what_is_no_picture_or_a_huge_one_is_refused() {
        let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>";
        for (bytes, why) in [
            (Vec::new(), LogoError::Size),
            (vec![0; Logo::LARGEST + 1], LogoError::Size),
            (svg.to_vec(), LogoError::Kind),
            (b"GIF89a\x01\0\x01\0".to_vec(), LogoError::Kind),
            (file(20, 20, ImageFormat::Png)[..40].to_vec(), LogoError::Kind),
            (file(5_000, 1, ImageFormat::Png), LogoError::Kind),
        ] {
            assert_eq!(Logo::draw(&bytes).map(drop), Err(why));
        }
    }
}
