//! The secret that signs tokens, and its predecessor.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use entity::Millis;

const SECRET_FILE: &str = "secret";
/// Holds the former secret and the time of its replacement.
const FORMER_SECRET_FILE: &str = "secret.former";
const SECRET_LENGTH: usize = 32;

/// 32 random bytes. Implements no `Debug`, so that they can't be printed.
#[derive(Clone)]
pub struct Secret([u8; SECRET_LENGTH]);

/// A secret that was replaced.
pub struct FormerSecret {
    secret: Secret,
    replaced_at: Millis,
}

impl FormerSecret {
    /// Returns the former secret of a data folder, if there is one.
    ///
    /// # Errors
    /// If the file can't be read or is malformed.
    pub fn load(folder: &Path) -> io::Result<Option<Self>> {
        let bytes = match fs::read(folder.join(FORMER_SECRET_FILE)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let parts = bytes.split_first_chunk::<SECRET_LENGTH>();
        let parts = parts.and_then(|(secret, time)| Some((secret, time.try_into().ok()?)));
        let (secret, time) = parts.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "the file 'secret.former' in the data folder is not 40 bytes long",
            )
        })?;
        Ok(Some(Self {
            secret: Secret(*secret),
            replaced_at: Millis(i64::from_be_bytes(time)),
        }))
    }

    /// Returns when the secret was replaced.
    #[must_use]
    pub fn replaced_at(&self) -> Millis {
        self.replaced_at
    }

    pub(super) fn secret(&self) -> &Secret {
        &self.secret
    }
}

impl Secret {
    /// Loads the secret of a data folder, or creates one. The file has mode
    /// 0600 regardless of the umask.
    ///
    /// # Errors
    /// If the file can't be read or written, or is malformed.
    pub fn load_or_create(folder: &Path) -> io::Result<Self> {
        let path = folder.join(SECRET_FILE);
        match File::open(&path) {
            Ok(file) => {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
                Self::read(file)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(folder),
            Err(error) => Err(error),
        }
    }

    /// Replaces the secret of a data folder. The old secret becomes the former
    /// one.
    ///
    /// # Errors
    /// If a file can't be read or written.
    pub fn rotate(folder: &Path, now: Millis) -> io::Result<Self> {
        let former = Self::load_or_create(folder)?;
        // Written first: if the process crashes after it, existing tokens stay
        // valid.
        let former = [&former.0[..], &now.0.to_be_bytes()].concat();
        write(folder, FORMER_SECRET_FILE, &former)?;
        Self::create(folder)
    }

    fn read(file: File) -> io::Result<Self> {
        let mut bytes = Vec::with_capacity(SECRET_LENGTH);
        // Read one byte more than needed, to detect a file that is too long.
        file.take(SECRET_LENGTH as u64 + 1)
            .read_to_end(&mut bytes)?;
        let bytes = bytes.try_into().map_err(|_| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "the file 'secret' in the data folder is not 32 bytes long",
            )
        })?;
        Ok(Self(bytes))
    }

    fn create(folder: &Path) -> io::Result<Self> {
        let mut bytes = [0; SECRET_LENGTH];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        write(folder, SECRET_FILE, &bytes)?;
        Ok(Self(bytes))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Writes a temporary file and renames it, so that a crash leaves no partial
/// secret. File and folder are synced before the secret signs anything.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let path = folder.join(name);
    let draft = folder.join(format!("{name}.new"));
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, &path)?;
    File::open(folder)?.sync_all()
}
