//! What cbindgen wrote, taken apart into items, and the means to change declarations without a C parser: they are known
//! to be in cbindgen's layout.

/// Columns a line may have.
pub const WIDTH: usize = 110;

/// One declaration with its comment.
#[derive(Clone, Debug)]
pub struct Item {
    /// The comment's lines, without the comment characters.
    pub doc: Vec<String>,
    /// The declaration.
    pub code: String,
}

impl Item {
    /// The comment and the declaration, as they stand in the header.
    pub fn write(&self) -> String {
        let mut text = comment(&self.doc, "");
        text.push_str(&self.code);
        text
    }

    /// Name and value, if this is a `#define`.
    pub fn define(&self) -> Option<(&str, &str)> {
        self.code.strip_prefix("#define ")?.split_once(' ')
    }

    /// The name that a `typedef` without a body gives a type.
    pub fn alias(&self) -> Option<&str> {
        let declaration = self.code.strip_prefix("typedef ")?.strip_suffix(';')?;
        if declaration.contains(['{', '(']) {
            return None;
        }
        declaration.rsplit([' ', '*']).next()
    }

    /// Keyword, name and the lines between the braces, if this is a structure or union.
    pub fn body(&self) -> Option<(&str, &str, String)> {
        let (head, rest) = self.code.strip_prefix("typedef ")?.split_once(" {\n")?;
        let (keyword, name) = head.split_once(' ')?;
        let (members, _) = rest.rsplit_once("\n}")?;
        Some((keyword, name, members.to_owned()))
    }

    /// The name of the pointer type, if this is a `typedef` of a pointer to functions.
    pub fn function_pointer(&self) -> Option<&str> {
        if !self.code.starts_with("typedef ") || self.code.contains('{') {
            return None;
        }
        self.code
            .split_once("(*")?
            .1
            .split_once(')')
            .map(|(name, _)| name)
    }
}

/// Takes cbindgen's output apart: items are separated by empty lines, which nothing else is.
pub fn split(text: &str) -> Vec<Item> {
    text.split("\n\n")
        .map(str::trim)
        .filter(|chunk| !chunk.is_empty())
        .map(|chunk| {
            let (doc, code) = match chunk
                .strip_prefix("/**\n")
                .and_then(|c| c.split_once("\n */\n"))
            {
                Some((doc, code)) => (doc.lines().map(uncomment).collect(), code),
                None => (Vec::new(), chunk),
            };
            Item {
                doc,
                code: code.to_owned(),
            }
        })
        .collect()
}

/// A line of a comment without the ` * ` before it.
fn uncomment(line: &str) -> String {
    let line = line.trim_start();
    let line = line.strip_prefix('*').unwrap_or(line);
    line.strip_prefix(' ').unwrap_or(line).to_owned()
}

/// A Doxygen comment: on one line where it fits.
pub fn comment(lines: &[String], indent: &str) -> String {
    match lines {
        [] => String::new(),
        [line] if indent.len() + line.len() + 7 <= WIDTH => format!("{indent}/** {line} */\n"),
        lines => {
            let mut text = format!("{indent}/**\n");
            for line in lines {
                text.push_str(format!("{indent} * {line}").trim_end());
                text.push('\n');
            }
            text + indent + " */\n"
        }
    }
}

/// Puts the comments of members on one line where they fit.
pub fn shorten_comments(code: &str) -> String {
    let mut text = String::new();
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "/**" {
            let indent = &line[..line.len() - 3];
            let doc: Vec<_> = lines
                .by_ref()
                .take_while(|line| line.trim() != "*/")
                .map(uncomment)
                .collect();
            text.push_str(&comment(&doc, indent));
        } else {
            text.push_str(line);
            text.push('\n');
        }
    }
    text.trim_end().to_owned()
}

/// Puts a declaration of a function on one line or, where that is too long, its parameters on lines of their own.
pub fn lay_out(declaration: &str) -> String {
    let one_line = declaration.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((head, parameters)) = one_line.split_once('(').filter(|_| one_line.len() > WIDTH)
    else {
        return one_line;
    };
    let mut text = format!("{head}(");
    let mut line = String::from("\n   ");
    for parameter in parameters.split_inclusive(',') {
        if line.len() + parameter.trim().len() > WIDTH {
            text.push_str(&line);
            line = String::from("\n   ");
        }
        line.push(' ');
        line.push_str(parameter.trim());
    }
    text + &line
}

/// Changes the words of a declaration, but not those of the comments in it. `change` gets each word and what follows it.
pub fn change_words(code: &str, change: impl Fn(&str, &str) -> Option<String>) -> String {
    let mut text = String::new();
    let mut in_comment = false;
    for line in code.split_inclusive('\n') {
        in_comment |= line.trim_start().starts_with("/*");
        if in_comment {
            text.push_str(line);
            in_comment = !line.contains("*/");
            continue;
        }
        let mut rest = line;
        while let Some(start) = rest.find(is_word) {
            let end = rest[start..]
                .find(|c| !is_word(c))
                .map_or(rest.len(), |n| start + n);
            text.push_str(&rest[..start]);
            let word = &rest[start..end];
            text.push_str(&change(word, &rest[end..]).unwrap_or_else(|| word.to_owned()));
            rest = &rest[end..];
        }
        text.push_str(rest);
    }
    text
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
