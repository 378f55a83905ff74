use super::*;
use crate::{
    client::{command::DisplayChoice, event::testing::assert_event, script::OnError},
    server::{admin::AdminRequest, report::HUB_EVENTS_SCHEMA},
    types::{Endpoint, ListenAddress, ListenHost, RelayMode},
};

fn at_a_terminal() -> Surroundings {
    Surroundings {
        stdin_is_terminal: true,
        stdout_is_terminal: true,
        home: Some("/home/a".into()),
        protocol: 1,
        ..Surroundings::default()
    }
}

fn in_a_pipe() -> Surroundings {
    Surroundings { stdin_is_terminal: false, stdout_is_terminal: false, ..at_a_terminal() }
}

fn read(line: &str, surroundings: &Surroundings) -> Result<Invocation, Ending> {
    parse(std::iter::once("securestream").chain(line.split_whitespace()).map(OsString::from).collect(), surroundings)
}

fn connect(line: &str) -> ConnectOptions {
    match read(&format!("connect {line}"), &at_a_terminal()) {
        Ok(Invocation::Connect(options)) => options,
        other => panic!("{line}: {other:?}"),
    }
}

fn serve(line: &str) -> ServeOptions {
    match read(&format!("serve {line}"), &at_a_terminal()) {
        Ok(Invocation::Serve(options)) => options,
        other => panic!("{line}: {other:?}"),
    }
}

fn refused(line: &str) -> Ending {
    read(line, &at_a_terminal()).expect_err(line)
}

#[test]
fn the_options_are_consistent() {
    args::command().debug_assert();
}

#[test]
fn a_hub_is_asked_in_its_data_folder() {
    let asked = |line: &str| match read(line, &in_a_pipe()) {
        Ok(Invocation::Hub(HubOptions { data_dir, json, request })) => (data_dir, json, request),
        other => panic!("{line}: {other:?}"),
    };
    let usual = PathBuf::from("/home/a/.local/share/securestream/hub");
    assert_eq!(asked("hub who"), (usual.clone(), false, AdminRequest::Who));
    assert_eq!(asked("hub kick bob --json"), (usual.clone(), true, AdminRequest::Kick { name: "bob".into() }));
    assert_eq!(asked("hub --json invite"), (usual, true, AdminRequest::Invite { name: None }));
    assert_eq!(asked("hub --data-dir /srv/hub reload"), ("/srv/hub".into(), false, AdminRequest::Reload));
}

#[test]
fn every_option_has_its_environment_variable() {
    for verb in ["serve", "connect"] {
        let command = args::command();
        let command = command.find_subcommand(verb).unwrap();
        for arg in command.get_arguments().filter(|arg| arg.get_id() != "help") {
            let expected = format!("SECURESTREAM_{}", arg.get_id().as_str().to_uppercase());
            assert_eq!(arg.get_env().and_then(|env| env.to_str()), Some(expected.as_str()));
        }
    }
}

#[test]
fn a_hub_serves_this_machine_unless_told_otherwise() {
    let options = serve("");
    assert_eq!(options.listen, [ListenAddress::Tls { host: ListenHost::Named("127.0.0.1".into()), port: 9999 }]);
    assert_eq!((&options.videos, options.admit, options.relay), (&VideosFolder::Default, None, RelayMode::Broadcast));
    assert_eq!(options.admit_at(&options.listen[0]), Admit::Open);
    assert_eq!(options.data_dir, Some(PathBuf::from("/home/a/.local/share/securestream/hub")));
    let options = serve(
        "--listen tcp://127.0.0.1:0 --listen unix:/s --videos v --relay direct --max-members 3 --json --log debug",
    );
    assert_eq!(options.listen.len(), 2);
    assert_eq!(options.videos, VideosFolder::Named("v".into()));
    assert_eq!((options.max_members, options.relay, options.json), (3, RelayMode::Direct, true));
    assert_eq!(options.log, log::LevelFilter::Debug);
    let options = serve("--listen tcp://*:1 --insecure-plaintext --admit open --no-videos --data-dir d");
    assert_eq!(options.listen, [ListenAddress::Tcp { host: ListenHost::Any, port: 1 }]);
    assert_eq!((options.videos, options.data_dir), (VideosFolder::None, Some(PathBuf::from("d"))));
}

#[test]
fn who_is_let_in_depends_on_the_listener_unless_it_is_said() {
    let admitted = |line: &str| {
        let options = serve(line);
        options.listen.iter().map(|address| options.admit_at(address)).collect::<Vec<_>>()
    };
    let all = "--listen tls://127.0.0.1:1 --listen unix:/s --listen tls://*:2 --listen tls://192.0.2.1:3";
    assert_eq!(admitted(all), [Admit::Open, Admit::Open, Admit::Invite, Admit::Invite]);
    assert_eq!(admitted(&format!("{all} --admit open")), [Admit::Open; 4]);
    assert_eq!(admitted(&format!("{all} --admit invite")), [Admit::Invite; 4]);
}

#[test]
fn a_member_at_a_terminal() {
    let options = connect("");
    assert_eq!(options.hub.endpoint, Endpoint::Tls { host: "127.0.0.1".into(), port: 9999 });
    assert_eq!(options.interaction, Interaction::Terminal { name: None, plain: false });
    assert_eq!(options.keeping, Keeping::Folder("/home/a/.local/share/securestream".into()));
    assert!(options.color && options.display == DisplayChoice::Auto);
    let options = connect("tcp://localhost:7 --name bob --ephemeral --plain --color never --display none --seal");
    assert_eq!(options.interaction, Interaction::Terminal { name: "bob".parse().ok(), plain: true });
    assert_eq!((options.keeping, options.color), (Keeping::Nothing, false));
    assert_eq!(connect("--display terminal").display, DisplayChoice::Terminal);
    let dumb = Surroundings { dumb_terminal: true, ..at_a_terminal() };
    let Ok(Invocation::Connect(options)) = read("connect", &dumb) else { panic!("refused") };
    assert_eq!(options.interaction, Interaction::Terminal { name: None, plain: true });
    let Ok(Invocation::Connect(options)) = read("connect", &Surroundings { no_color: true, ..at_a_terminal() }) else {
        panic!("refused")
    };
    assert!(!options.color);
}

#[test]
fn whether_a_new_hub_is_trusted_depends_on_who_can_be_asked() {
    assert_eq!(connect("").trust_hub, TrustHub::Ask);
    assert_eq!(connect("--name b --json").trust_hub, TrustHub::FirstUse);
    assert_eq!(connect("--name b --json --trust-hub known").trust_hub, TrustHub::Known);
    assert_eq!(connect("--trust-hub first-use").trust_hub, TrustHub::FirstUse);
    let options = connect("example.org --ca ca.pem --require-pq");
    assert_eq!((options.authorities, options.require_pq), (Some(PathBuf::from("ca.pem")), true));
    let options = serve("--cert c --key k --require-pq");
    let given = GivenCertificate { certificate: "c".into(), key: "k".into() };
    assert_eq!((options.certificate, options.require_pq), (Some(given), true));
}

#[test]
fn a_member_in_a_script() {
    for (line, source, json) in [
        ("--json", ScriptSource::Stdin, true),
        ("--script -", ScriptSource::Stdin, false),
        ("--script a.txt --json", ScriptSource::File("a.txt".into()), true),
    ] {
        let Ok(Invocation::Connect(options)) = read(&format!("connect --name bob {line}"), &in_a_pipe()) else {
            panic!("{line} is refused")
        };
        let name = "bob".parse().unwrap();
        assert_eq!(options.interaction, Interaction::Script { name, source, json, on_error: OnError::Stop });
        assert_eq!((options.display, options.color), (DisplayChoice::Auto, false));
    }
}

#[test]
fn what_cannot_be_followed_says_what_to_write() {
    for (line, exit, hint) in [
        ("connect --json", ExitCode::Usage, "--name NAME"),
        ("connect --name b/b", ExitCode::Usage, "choose another"),
        ("connect --nmae bob", ExitCode::Usage, "--name"),
        ("connect tcp://example.org", ExitCode::Usage, "--insecure-plaintext"),
        ("connect http://h", ExitCode::Usage, "unix:/path"),
        ("connect --display screen", ExitCode::Usage, "terminal"),
        ("connect --name b --json --trust-hub ask", ExitCode::Usage, "first-use"),
        ("connect --reconnect-for 60", ExitCode::CommandFailed, "leave --reconnect-for out"),
        ("connect --reconnect-for soon", ExitCode::Usage, "seconds"),
        ("serve --cert c.pem", ExitCode::Usage, "--key"),
        ("serve --key k.pem", ExitCode::Usage, "--cert"),
        ("serve --listen tcp://0.0.0.0:1", ExitCode::Usage, "--insecure-plaintext"),
        ("serve --listen 127.0.0.1:1", ExitCode::Usage, "tcp://"),
        ("serve --max-members 0", ExitCode::Usage, "--max-members"),
        ("serve --videos a --no-videos", ExitCode::Usage, "--no-videos"),
        ("serve --public-url http://x", ExitCode::Usage, "unix:/path"),
        ("hub", ExitCode::Usage, "who"),
        ("hub kick", ExitCode::Usage, "NAME"),
        ("keys show --name b/b", ExitCode::Usage, "choose another"),
        ("keys export", ExitCode::Usage, "FILE"),
        ("keys export f --plain --new-passphrase-file p", ExitCode::Usage, "--plain"),
        ("keys passphrase --remove --new-passphrase-file p", ExitCode::Usage, "--remove"),
        ("keys passphrase correct-horse", ExitCode::Usage, "correct-horse"),
        ("keys", ExitCode::Usage, "trust-hub"),
        ("keys trust-hub h", ExitCode::Usage, "KEY"),
        ("keys trust-hub h 3f9a", ExitCode::Usage, "hub fingerprint"),
        ("keys trust-hub unix:/s 3f9a", ExitCode::Usage, "tls://"),
        ("keys trust-hub http://h 3f9a", ExitCode::Usage, "host:9999"),
        ("sevre", ExitCode::Usage, "serve"),
        ("", ExitCode::Usage, "connect"),
    ] {
        let ending = refused(line);
        assert_eq!(ending.exit, exit, "{line}: {}", ending.stderr);
        assert!(ending.stderr.contains(hint), "{line}: {}", ending.stderr);
        assert_eq!(ending.stdout.is_empty(), !line.contains("--json"), "{line}");
    }
}

#[test]
fn bad_input_62_standard_input_that_is_no_terminal() {
    let ending = read("connect --name bob", &in_a_pipe()).unwrap_err();
    assert_eq!(ending.exit, ExitCode::Usage);
    assert!(ending.stderr.contains("--script -"), "{}", ending.stderr);
}

#[test]
fn a_hub_s_key_is_trusted_as_it_is_written() {
    let digits = "3f9a".repeat(16);
    let grouped = "3f9a ".repeat(16);
    for key in [digits.clone(), grouped, format!("sha256:{digits}")] {
        let line = format!("keys trust-hub tls://Hub.example.org {key}");
        let Ok(Invocation::Keys(options)) = read(&line, &at_a_terminal()) else { panic!("{line} is refused") };
        let key = digits.parse().unwrap();
        assert_eq!(options.command, KeysCommand::TrustHub { hub: "hub.example.org:9999".into(), key });
        assert_eq!(options.folder, PathBuf::from("/home/a/.local/share/securestream"));
    }
    let line = format!("keys trust-hub --data-dir d tls://[::1]:7 {digits}");
    let Ok(Invocation::Keys(options)) = read(&line, &at_a_terminal()) else { panic!("{line} is refused") };
    assert_eq!(options.folder, PathBuf::from("d"));
}

#[test]
fn keys_are_named_and_their_passphrases_are_not_in_the_command_line() {
    let keys = |line: &str, surroundings: &Surroundings| match read(&format!("keys {line}"), surroundings) {
        Ok(Invocation::Keys(options)) => options,
        other => panic!("{line}: {other:?}"),
    };
    let bob = Whose { name: "bob".parse().ok(), passphrase_file: Some("p".into()) };
    let nobody = Whose { name: None, passphrase_file: None };
    let options = keys("rotate --name bob --passphrase-file p", &at_a_terminal());
    assert_eq!(options.command, KeysCommand::Rotate(bob));
    assert!(options.may_ask && !options.json);
    for (line, new) in [
        ("passphrase", NewPassphrase::Wanted(None)),
        ("passphrase --new-passphrase-file n", NewPassphrase::Wanted(Some("n".into()))),
        ("passphrase --remove", NewPassphrase::Nothing),
    ] {
        let expected = KeysCommand::Passphrase { whose: nobody.clone(), new };
        assert_eq!(keys(line, &at_a_terminal()).command, expected, "{line}");
    }
    let carried = |new| Carry { whose: nobody.clone(), file: "f".into(), new };
    assert_eq!(keys("export f", &at_a_terminal()).command, KeysCommand::Export(carried(NewPassphrase::Wanted(None))));
    assert_eq!(
        keys("backup f --plain", &at_a_terminal()).command,
        KeysCommand::Backup(carried(NewPassphrase::Nothing))
    );
    assert!(!keys("rotate", &in_a_pipe()).may_ask && !keys("rotate --json", &at_a_terminal()).may_ask);
    let piped = Surroundings { stdin_is_terminal: false, ..at_a_terminal() };
    assert!(keys("import -", &piped).may_ask && !keys("import f", &piped).may_ask);
}

#[test]
fn without_a_home_keys_have_no_place_but_a_guest_needs_none() {
    let homeless = Surroundings { home: None, ..at_a_terminal() };
    let ending = read("connect --name bob", &homeless).unwrap_err();
    assert_eq!(ending.exit, ExitCode::Data);
    assert!(ending.stderr.contains("--data-dir"));
    assert!(read("connect --name bob --ephemeral", &homeless).is_ok());
    let elsewhere = Surroundings { data_home: Some("/data".into()), ..homeless.clone() };
    let Ok(Invocation::Serve(options)) = read("serve", &elsewhere) else { panic!("refused") };
    assert_eq!(options.data_dir, Some(PathBuf::from("/data/securestream/hub")));
    let Ok(Invocation::Serve(options)) = read("serve", &homeless) else { panic!("nothing is kept yet") };
    assert_eq!(options.data_dir, None);
    let relative = Surroundings { data_home: Some("data".into()), ..homeless };
    assert!(read("connect --name bob", &relative).is_err(), "not absolute");
}

#[test]
fn under_json_an_error_is_an_event_and_bye_follows() {
    for line in
        ["connect --json", "connect --json --nonsense", "connect --json --name b tls://h?invite=", "keys --json"]
    {
        let ending = refused(line);
        let events: Vec<serde_json::Value> =
            ending.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        ending.stdout.lines().for_each(assert_event);
        let kinds: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["hello", "error", "bye"], "{line}");
        assert!(events[1]["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{line}");
        assert_eq!(events[2]["exit"], ending.exit as u8);
    }
    let by_variable = Surroundings { json: true, ..in_a_pipe() };
    assert!(read("connect --nonsense", &by_variable).unwrap_err().stdout.contains("\"usage\""));
}

#[test]
fn under_json_a_hub_answers_with_its_own_events() {
    let schema = serde_json::from_str(HUB_EVENTS_SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let ending = refused("serve --json --listen nowhere");
    assert_eq!(ending.stdout.lines().count(), 3);
    for line in ending.stdout.lines() {
        validator.validate(&serde_json::from_str(line).unwrap()).unwrap_or_else(|error| panic!("{error} in {line}"));
    }
    assert!(refused("connect -- --json").stdout.is_empty(), "a word after -- is no option");
}

#[test]
fn help_and_version_are_no_errors() {
    for line in ["--help", "--version", "serve --help", "connect --help", "hub --help"] {
        let ending = refused(line);
        assert_eq!((ending.exit, ending.stderr.as_str()), (ExitCode::Fine, ""), "{line}");
        assert!(!ending.stdout.contains("probe-window"));
    }
    assert_eq!(read("probe-window", &in_a_pipe()), Ok(Invocation::ProbeWindow));
    assert_eq!(read("index-video", &in_a_pipe()), Ok(Invocation::IndexVideo));
}

#[test]
fn an_invite_is_a_secret_that_no_error_repeats() {
    for hub in ["tls://h?invite=S3CRET=", "tcp://h?invite=S3CRET#sha256:0", "tcp://h:x?invite=S3CRET", "h?invit=S3CRET"]
    {
        let ending = refused(&format!("connect {hub} --name b --json"));
        assert!(!format!("{ending:?}").contains("S3CRET"), "{ending:?}");
        assert!(ending.stderr.contains("the hub "), "{ending:?}");
    }
}

#[test]
fn the_guide_names_every_option() {
    let guide = include_str!("../../docs/scripting.md");
    for verb in args::command().get_subcommands().filter(|verb| !verb.is_hide_set()) {
        for option in verb.get_arguments().filter_map(|argument| argument.get_long()) {
            let named = ["`", " ", "\\"].iter().any(|end| guide.contains(&format!("--{option}{end}")));
            assert!(named, "{} --{option}", verb.get_name());
        }
    }
}
