//! A man in the middle between a server and its Postgres: counts statements, cuts connections, loses replies.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// The statements of one transaction, in the order in which they were sent.
pub type Transaction = Vec<String>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The commit does not reach Postgres.
    BeforeCommit,
    /// Postgres commits, and nobody hears of it.
    AfterCommit,
}

#[derive(Default)]
struct State {
    transactions: Mutex<Vec<Transaction>>,
    /// How the next commits of transactions with this text in them end.
    cuts: Mutex<Vec<(Cut, &'static str)>>,
    down: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
    cut: AtomicUsize,
}

pub struct Proxy {
    pub port: u16,
    state: Arc<State>,
}

impl Proxy {
    /// In front of a Postgres on this port.
    pub fn start(to: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if !shared.down.load(Ordering::SeqCst)
                    && let Ok(upstream) = TcpStream::connect(("127.0.0.1", to))
                {
                    join(&shared, &stream, &upstream);
                }
            }
        });
        Proxy { port, state }
    }

    /// The transactions so far whose statements contain a text; they are forgotten.
    pub fn take_transactions(&self, containing: &str) -> Vec<Transaction> {
        let all = std::mem::take(&mut *self.state.transactions.lock().unwrap());
        all.into_iter().filter(|one| one.iter().any(|sql| sql.contains(containing))).collect()
    }

    /// The next commit of a transaction that contains a text is cut.
    pub fn cut_next(&self, cut: Cut, containing: &'static str) {
        self.state.cuts.lock().unwrap().push((cut, containing));
    }

    /// How many commits were cut.
    pub fn cuts_made(&self) -> usize {
        self.state.cut.load(Ordering::SeqCst)
    }

    /// Breaks all connections.
    pub fn break_all(&self) {
        for stream in self.state.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Breaks all connections and takes no new ones.
    pub fn down(&self) {
        self.state.down.store(true, Ordering::SeqCst);
        self.break_all();
    }

    pub fn up(&self) {
        self.state.down.store(false, Ordering::SeqCst);
    }
}

fn join(state: &Arc<State>, client: &TcpStream, postgres: &TcpStream) {
    let _ = (client.set_nodelay(true), postgres.set_nodelay(true));
    let copy = |stream: &TcpStream| stream.try_clone().unwrap();
    state.open.lock().unwrap().extend([copy(client), copy(postgres)]);
    let silent = Arc::new(AtomicBool::new(false));
    let (from, to, deaf) = (copy(postgres), copy(client), silent.clone());
    thread::spawn(move || answers(from, to, &deaf));
    let (from, to, shared) = (copy(client), copy(postgres), state.clone());
    thread::spawn(move || {
        let _ = Requests { state: shared, silent, named: HashMap::new(), bound: String::new(), statements: Vec::new() }
            .pass(from, to);
    });
}

/// From Postgres to the server, until the answer to a commit is to be lost: what comes before it is lost with it.
fn answers(mut from: TcpStream, mut to: TcpStream, silent: &AtomicBool) {
    let mut buffer = vec![0; 64 * 1024];
    let mut lost = Vec::new();
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if silent.load(Ordering::SeqCst) {
            lost.extend_from_slice(&buffer[..read]);
            if lost.windows(7).any(|window| window == b"COMMIT\0") {
                break;
            }
        } else if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

/// From the server to Postgres, message by message.
struct Requests {
    state: Arc<State>,
    silent: Arc<AtomicBool>,
    /// Prepared statements by their names.
    named: HashMap<String, String>,
    bound: String,
    statements: Transaction,
}

impl Requests {
    fn pass(&mut self, mut from: TcpStream, mut to: TcpStream) -> std::io::Result<()> {
        let mut length = [0; 4];
        // The first message has no type.
        from.read_exact(&mut length)?;
        let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
        from.read_exact(&mut body)?;
        to.write_all(&[length.as_slice(), &body].concat())?;
        loop {
            let mut kind = [0; 1];
            let ended = from.read_exact(&mut kind).and_then(|()| from.read_exact(&mut length));
            if ended.is_err() {
                return to.shutdown(Shutdown::Both);
            }
            let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
            from.read_exact(&mut body)?;
            let cut = self.note(kind[0], &body);
            if cut == Some(Cut::BeforeCommit) {
                self.state.cut.fetch_add(1, Ordering::SeqCst);
                return from.shutdown(Shutdown::Both).and(to.shutdown(Shutdown::Both));
            }
            if cut == Some(Cut::AfterCommit) {
                self.silent.store(true, Ordering::SeqCst);
                self.state.cut.fetch_add(1, Ordering::SeqCst);
            }
            to.write_all(&[kind.as_slice(), &length, &body].concat())?;
        }
    }

    /// Notes what a message says; whether it is a commit to be cut.
    fn note(&mut self, kind: u8, body: &[u8]) -> Option<Cut> {
        let mut texts = body.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned());
        match kind {
            b'P' => {
                let (name, sql) = (texts.next()?, texts.next()?);
                self.named.insert(name, sql);
            }
            b'B' => self.bound = self.named.get(&texts.nth(1)?).cloned()?,
            b'E' => return self.sent(self.bound.clone()),
            b'Q' => return self.sent(texts.next()?),
            _ => {}
        }
        None
    }

    fn sent(&mut self, sql: String) -> Option<Cut> {
        if sql.starts_with("begin") {
            self.statements.clear();
        }
        let ends = sql.starts_with("commit");
        self.statements.push(sql);
        if !ends {
            return None;
        }
        let transaction = std::mem::take(&mut self.statements);
        let mut cuts = self.state.cuts.lock().unwrap();
        let armed = cuts.iter().position(|(_, text)| transaction.iter().any(|sql| sql.contains(text)));
        self.state.transactions.lock().unwrap().push(transaction);
        armed.map(|armed| cuts.remove(armed).0)
    }
}
