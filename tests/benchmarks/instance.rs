//! A function's process, with a Lambda Runtime API of its own that does as little as there can be done, so that
//! what is measured is the function.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use scrip_local::instances::Program;

/// A start or an answer that takes longer has failed.
const ANSWER_MAX: Duration = Duration::from_mins(1);

/// A running process. It is killed when this is dropped.
#[derive(Debug)]
pub struct Instance {
    child: Child,
    arrivals: Receiver<Arrival>,
    /// The connection on which it waits for its next invocation.
    waiting: Option<TcpStream>,
    answer_max: Duration,
}

/// A message of a process: a request for an invocation, an answer or a failure.
#[derive(Debug)]
enum Arrival {
    Next(TcpStream, Instant),
    Answer(Vec<u8>, Instant),
    Failed(String),
}

/// The answer of an invocation, and its time.
#[derive(Debug)]
pub struct Invocation {
    pub answer: Vec<u8>,
    pub took: Duration,
}

impl Instance {
    /// Starts a process; with how long it took to ask for its first invocation.
    pub fn start(program: &Program) -> Result<(Self, Duration), String> {
        let mut command = Command::new(&program.executable);
        command.env_clear().envs(&program.environment);
        Self::start_command(command)
    }

    /// The same, of a command that wants nothing but the Runtime API's address.
    pub fn start_command(mut command: Command) -> Result<(Self, Duration), String> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|why| why.to_string())?;
        let address = listener.local_addr().map_err(|why| why.to_string())?;
        let (sender, arrivals) = channel();
        thread::spawn(move || accept(&listener, &sender));
        command.env("AWS_LAMBDA_RUNTIME_API", address.to_string()).stdin(Stdio::null()).stdout(Stdio::null());
        let started = Instant::now();
        let child = command.spawn().map_err(|why| format!("{}: {why}", command.get_program().display()))?;
        let mut instance = Self { child, arrivals, waiting: None, answer_max: ANSWER_MAX };
        match instance.arrival()? {
            Arrival::Next(stream, at) => {
                instance.waiting = Some(stream);
                Ok((instance, at - started))
            }
            Arrival::Answer(..) => Err("an answer to nothing".to_owned()),
            Arrival::Failed(why) => Err(why),
        }
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits longer for its answers.
    pub fn be_patient(&mut self, answer_max: Duration) {
        self.answer_max = answer_max;
    }

    /// Hands it an event, and waits for its answer.
    pub fn invoke(&mut self, event: &str) -> Result<Invocation, String> {
        let mut stream = match self.waiting.take() {
            Some(stream) => stream,
            None => match self.arrival()? {
                Arrival::Next(stream, _) => stream,
                other => return Err(format!("it sent {other:?}, and should have asked for an invocation")),
            },
        };
        let message = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nlambda-runtime-aws-request-id: request\r\n\
             lambda-runtime-deadline-ms: 4102444800000\r\n\
             lambda-runtime-invoked-function-arn: arn:aws:lambda:us-east-1:123456789012:function:measured\r\n\
             lambda-runtime-trace-id: Root=1-00000000-000000000000000000000000\r\ncontent-length: {}\r\n\r\n{event}",
            event.len()
        );
        let handed = Instant::now();
        stream.write_all(message.as_bytes()).map_err(|why| why.to_string())?;
        match self.arrival()? {
            Arrival::Answer(answer, at) => Ok(Invocation { answer, took: at - handed }),
            Arrival::Next(..) => Err("it asked for more before it answered".to_owned()),
            Arrival::Failed(why) => Err(why),
        }
    }

    fn arrival(&mut self) -> Result<Arrival, String> {
        self.arrivals.recv_timeout(self.answer_max).map_err(|_| match self.child.try_wait() {
            Ok(Some(status)) => format!("the process ended: {status}"),
            _ => format!("nothing came of it in {} s", self.answer_max.as_secs()),
        })
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Takes the connections of one process until it has ended: then nothing reads what arrives.
fn accept(listener: &TcpListener, arrivals: &Sender<Arrival>) {
    while let Ok((stream, _)) = listener.accept() {
        let arrivals = arrivals.clone();
        thread::spawn(move || {
            // A connection that breaks is noticed by what doesn't arrive.
            let _ = serve(stream, &arrivals);
        });
    }
}

fn serve(stream: TcpStream, arrivals: &Sender<Arrival>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    while let Some((path, body)) = read_request(&mut reader)? {
        let at = Instant::now();
        let arrival = if path.ends_with("/next") {
            Arrival::Next(writer.try_clone()?, at)
        } else {
            writer.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")?;
            if path.ends_with("/response") {
                Arrival::Answer(body, at)
            } else {
                Arrival::Failed(String::from_utf8_lossy(&body).into_owned())
            }
        };
        if arrivals.send(arrival).is_err() {
            break;
        }
    }
    Ok(())
}

/// The path and the body of the next request; none at the end of the connection.
pub fn read_request(reader: &mut impl BufRead) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let (mut length, mut is_chunked) = (0, false);
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        is_chunked |= name.eq_ignore_ascii_case("transfer-encoding");
    }
    let mut body = Vec::new();
    if is_chunked {
        while let 1.. = read_chunk(reader, &mut body)? {}
    } else {
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
    }
    Ok(Some((path, body)))
}

/// Reads a chunk of a body; its length, 0 for the last.
fn read_chunk(reader: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<u64> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let length = u64::from_str_radix(line.trim_end(), 16).map_err(io::Error::other)?;
    reader.take(length).read_to_end(body)?;
    reader.read_line(&mut line)?;
    Ok(length)
}
