//! Texts that users and operators see are in plain words, and one thing has one
//! word.

use crate::prose::IDIOMS;
use crate::tree::SourceFile;
use crate::{TidyFinding, finding_lines};

/// Words of earlier texts, in lower case, each with its present word.
const FORMER_WORDS: [(&str, &str); 18] = [
    ("withdraw", "delete"),
    ("withdrawn", "deleted"),
    ("withdrew", "deleted"),
    ("switch off", "deactivate"),
    ("switched off", "deactivated"),
    ("switch on", "reactivate"),
    ("switched on", "reactivated"),
    ("ask to connect", "connect"),
    ("would like to connect", "wants to connect"),
    ("take it back", "cancel request"),
    ("hand the group", "make owner"),
    ("any more", "no longer"),
    ("a slip", "an error"),
    ("all is well", "no problems found"),
    ("no good", "can't be used"),
    ("is needed", "is required"),
    ("where you are logged in", "devices"),
    ("what was said", "earlier messages"),
];

/// Refuses texts with an idiom or a former word. A phrase that two lines share
/// isn't found.
pub(crate) fn check_wording(file: &SourceFile) -> Vec<TidyFinding> {
    let mut findings = Vec::new();
    for (at, line) in shown_text(file).lines().enumerate() {
        let joined = join_words(line);
        if joined.trim().is_empty() {
            continue;
        }
        let has = |phrase: &str| joined.contains(&format!(" {phrase} "));
        // The filter of the audit log has a field `whom`.
        let idioms = IDIOMS.iter().filter(|idiom| **idiom != "whom");
        for idiom in idioms.filter(|idiom| has(idiom)) {
            let why = format!("“{idiom}” is an idiom: use a plain word");
            findings.push(file.finding_in(at + 1, &why));
        }
        for (former, present) in FORMER_WORDS.iter().filter(|(former, _)| has(former)) {
            let why = format!("the word for “{former}” is “{present}”");
            findings.push(file.finding_in(at + 1, &why));
        }
    }
    findings
}

/// Returns the file's texts that users or operators may see, on their lines.
fn shown_text(file: &SourceFile) -> String {
    match file.path.split_once('/') {
        Some(("templates", _)) => template_text(&file.text),
        Some(("static", name)) if name.ends_with(".js") => script_text(&file.text),
        // The demo's history is a story with a style of its own.
        Some(("src", name)) if file.is_rust() && !name.starts_with("demo") => rust_text(file),
        _ => String::new(),
    }
}

/// Returns a template without its comments, tags of askama and marks of HTML.
fn template_text(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once('{') {
        let end = match inside.chars().next() {
            Some('#') => "#}",
            Some('%') => "%}",
            Some('{') => "}}",
            _ => "",
        };
        shown.push_str(before);
        let (hidden, after) = inside.split_once(end).unwrap_or((inside, ""));
        shown.extend(hidden.matches('\n'));
        rest = after;
    }
    shown.push_str(rest);
    shown.replace(['<', '>', '"'], " ")
}

/// Returns the string literals of a script. A comment is no text, and ends at
/// the end of its line.
fn script_text(text: &str) -> String {
    let is_comment = |line: &str| ["//", "/*", "*"].iter().any(|sign| line.starts_with(sign));
    let quoted = |line: &str| {
        let parts = ['\'', '`', '"'].map(|quote| {
            let inside = line.split(quote).skip(1).step_by(2);
            inside.collect::<Vec<_>>().join(" ")
        });
        parts.join(" ")
    };
    text.lines()
        .map(|line| match line.trim_start() {
            line if is_comment(line) => String::new(),
            line => quoted(line),
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// Returns the literals of a Rust file.
fn rust_text(file: &SourceFile) -> String {
    let literals = |(line, code): (&str, &str)| {
        let characters = line.chars().zip(code.chars());
        let hidden = characters.map(|(sign, code)| if code == ' ' { sign } else { ' ' });
        let hidden: String = hidden.collect();
        if hidden.trim_start().starts_with("//") {
            return String::new();
        }
        hidden.replace('"', " ")
    };
    let lines = file.text.lines().zip(file.code.lines());
    lines.map(literals).collect::<Vec<_>>().join("\n")
}

/// Returns the words of a line in lower case, with a space before and after
/// each, and without their punctuation.
fn join_words(line: &str) -> String {
    let words = line.split_whitespace().map(|word| {
        let bare = word.trim_matches(|sign: char| !sign.is_alphanumeric());
        bare.to_lowercase().replace('\u{2019}', "'")
    });
    format!(" {} ", words.collect::<Vec<_>>().join(" "))
}

#[test]
fn former_word_is_found_in_texts() {
    let found = |path: &str, sample: &str| finding_lines(check_wording, path, sample);
    let page = "<p\n  title=\"Withdraw\">{# nobody\n#}\n<b>Nobody</b> {{ nobody }} here";
    assert_eq!(found("templates/a.html", page), [2, 4]);
    let script = "// Nobody is here.\nnobody(`Nobody found`, 'withdraw it');";
    assert_eq!(found("static/js/a.js", script), [2, 2]);
    let rust = "// nobody\nlet nobody = \"nobody, \\\n  switched off\";";
    assert_eq!(found("src/a.rs", rust), [2, 3]);
    assert_eq!(found("src/demo/a.rs", rust), [0; 0]);
    assert_eq!(found("src/a.rs", "\"conversation.withdraw\""), [0; 0]);
}
