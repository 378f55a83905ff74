use super::*;
use crate::client::command::PlayRequest;
use crate::{
    client::event::testing::{member, message, name, post, title},
    types::{LeaveReason, RenditionLabel},
};

/// A menu at a terminal where alice sits, with bob here.
struct Rig {
    menu: Menu,
    now: Duration,
    printed: Vec<String>,
    prompt: Option<String>,
    requests: Vec<Command>,
    newest: Option<CommandName>,
}

impl Rig {
    fn new() -> Self {
        let menu = Menu::new(Paint::default(), SharedWords::default());
        let mut rig = Self { menu, now: Duration::ZERO, printed: vec![], prompt: None, requests: vec![], newest: None };
        rig.event(&Event::Welcome {
            name: name("alice"),
            fingerprint: member("alice").fingerprint,
            guest: false,
            members: 2,
            relay: crate::types::RelayMode::Broadcast,
        });
        assert_eq!(rig.prompt, None, "not before the member is in");
        rig.event(&Event::Directory { epoch: 1, members: vec![member("alice"), member("bob")] });
        assert_eq!(rig.prompt.as_deref(), Some("menu> "));
        assert!(rig.shown("* 2 here: alice, bob") && rig.shown("4  play a video"), "{:?}", rig.printed);
        rig.requested(&Command::Videos);
        rig.quiet_list(&[]);
        rig.printed.clear();
        rig
    }

    fn typed(&mut self, line: &str) {
        self.keys(Typed::Line(line.to_owned()));
    }

    fn keys(&mut self, typed: Typed) {
        self.prompt = None;
        self.printed.clear();
        self.menu.handle_typed(typed, self.now);
        self.drain();
    }

    fn event(&mut self, event: &Event) {
        self.menu.handle_event(event, None, self.now);
        self.drain();
    }

    /// An answer to a list that nobody is to read.
    fn quiet(&mut self, event: &Event) {
        self.menu.handle_event(event, Some(QUIET), self.now);
        self.drain();
    }

    fn quiet_list(&mut self, titles: &[&str]) {
        self.quiet(&Event::Videos { titles: titles.iter().map(|name| title(name)).collect() });
        self.quiet(&Event::Ok { command: CommandName::Videos });
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.menu.handle_timeout(self.now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.menu.poll_output() {
            match output {
                MenuOutput::Print(text) => self.printed.push(text),
                MenuOutput::Ask(prompt) => {
                    assert_eq!(self.prompt.replace(prompt.text), None, "one prompt at a time");
                }
                MenuOutput::Request(request) => {
                    self.newest = Some(request.command.name());
                    self.requests.push(request.command);
                }
            }
        }
    }

    /// The session answers the newest request.
    fn ok(&mut self) {
        let command = self.newest.unwrap();
        self.event(&Event::Ok { command });
    }

    fn shown(&self, text: &str) -> bool {
        self.printed.iter().any(|printed| printed.contains(text))
    }

    #[track_caller]
    fn says(&self, text: &str) {
        assert!(self.shown(text), "not said: {text}; but {:?}", self.printed);
    }

    #[track_caller]
    fn asks(&self, prompt: &str) {
        assert_eq!(self.prompt.as_deref(), Some(prompt), "{:?}", self.printed);
    }

    #[track_caller]
    fn requested(&mut self, command: &Command) {
        assert_eq!(self.requests.pop().as_ref(), Some(command));
        assert!(self.requests.is_empty(), "{:?}", self.requests);
    }

    fn nothing_requested(&self) -> bool {
        self.requests.is_empty()
    }
}

fn to_bob(text: &str) -> Command {
    Command::Send { to: name("bob"), text: text.to_owned() }
}

#[test]
fn the_menu_of_the_original() {
    let mut rig = Rig::new();
    rig.typed("3");
    assert_eq!(rig.prompt, None, "the answer comes first");
    rig.event(&Event::Who { members: vec![member("alice"), member("bob")] });
    rig.says("* 2 here: alice, bob");
    rig.ok();
    rig.asks("menu> ");
    rig.requested(&Command::Who);
    rig.typed("5");
    rig.event(&Event::Directory { epoch: 1, members: vec![member("bob")] });
    rig.says("bob  3f3f 3f3f");
    rig.ok();
    rig.requested(&Command::Directory);
    rig.typed("2");
    rig.requested(&Command::Quit);
    assert_eq!(rig.prompt, None);
}

#[test]
fn a_message_to_a_member() {
    let mut rig = Rig::new();
    rig.typed("1");
    rig.says("Here: bob.");
    rig.asks("to whom> ");
    rig.typed("BOB");
    rig.asks("to bob> ");
    for (line, text) in [("meet at noon", "meet at noon"), ("1", "1"), ("//x", "/x"), ("send zoe hi", "send zoe hi")] {
        rig.typed(line);
        rig.event(&Event::Queued { id: post(1), to: Receiver::Member(name("bob")) });
        rig.ok();
        rig.requested(&to_bob(text));
        rig.asks("to bob> ");
    }
    rig.typed("");
    rig.asks("menu> ");
}

#[test]
fn a_wrong_name_is_asked_for_again_and_the_text_is_kept() {
    let mut rig = Rig::new();
    rig.typed("1");
    rig.typed("bbo");
    rig.says("Nobody called \"bbo\" here. Did you mean bob?");
    rig.asks("to whom> ");
    rig.typed("alice");
    rig.says("That is you.");
    rig.typed("1");
    rig.says("Nobody called \"1\" here. Here: bob.");
    rig.typed("");
    rig.asks("menu> ");

    rig.typed("/msg bbo hello there");
    rig.says("Nobody called \"bbo\" here. Nothing sent, your text is kept. Did you mean bob?");
    assert!(rig.nothing_requested());
    rig.asks("to whom> ");
    rig.typed("zoe");
    rig.says("your text is kept");
    rig.typed("bob");
    rig.requested(&to_bob("hello there"));
}

#[test]
fn a_text_is_kept_when_its_receiver_leaves() {
    let mut rig = Rig::new();
    rig.typed("/to bob");
    rig.event(&Event::Left { name: name("bob"), reason: LeaveReason::Quit });
    rig.says("* bob left (quit)");
    rig.typed("are you there");
    rig.says("Nothing sent, your text is kept");
    rig.event(&Event::Joined(member("bob")));
    rig.typed("bob");
    rig.requested(&to_bob("are you there"));
    // Gone in the moment of sending: the session says so.
    let failure = Failure::new(Code::NoSuchMember, "nobody", "who").of(CommandName::Send);
    rig.event(&Event::Error(failure));
    rig.says("They have just left. Nothing sent, your text is kept");
    rig.asks("to whom> ");
    rig.typed("/to bob");
    rig.requested(&to_bob("are you there"));
    rig.ok();
    rig.typed("/menu");
    rig.typed("/to bob");
    assert!(rig.nothing_requested(), "kept no longer");
}

#[test]
fn commands_begin_with_a_slash_everywhere() {
    let mut rig = Rig::new();
    rig.typed("/to bob");
    rig.asks("to bob> ");
    rig.typed("/msg bob one");
    rig.requested(&to_bob("one"));
    rig.ok();
    rig.typed("/all two");
    rig.requested(&Command::All { text: "two".into() });
    rig.ok();
    rig.asks("to bob> ");
    rig.typed("/play mandelbrot mode=tour");
    rig.requested(&Command::Play(PlayRequest { mode: PlayMode::Tour, ..PlayRequest::of("mandelbrot") }));
    rig.event(&Event::Error(Failure::new(Code::NoSuchTitle, "no such title", "videos").of(CommandName::Play)));
    rig.says("! no such title");
    rig.asks("to bob> ");
    rig.typed("/help");
    rig.says("/play TITLE");
    rig.says("/to NAME");
    assert!(!rig.shown("/wait"));
    rig.typed("/help play");
    rig.says("/play TITLE");
    rig.typed("/to all");
    rig.asks("to all> ");
    rig.typed("/menu");
    rig.asks("menu> ");
    rig.typed("/quit");
    rig.requested(&Command::Quit);
}

#[test]
fn what_a_newcomer_may_type_gets_an_answer_that_helps() {
    for (line, answer) in [
        ("hello", "Type a number from 1 to 5; commands begin with a slash: /help"),
        ("6", "Type a number from 1 to 5"),
        ("quit", "commands begin with a slash: /quit"),
        ("send bob hi", "commands begin with a slash: /send"),
        ("/sned bob hi", "did you mean /send?"),
        ("/x", "nothing was sent"),
        ("/", "/help lists the commands"),
        ("/{\"cmd\":\"quit\"}", "/help lists the commands"),
        ("/send bob", "/msg NAME TEXT"),
        ("/send", "/msg NAME TEXT"),
        ("/wait joined", "for scripts"),
        ("/play", "/play TITLE"),
        ("/seek soon", "/seek"),
        ("/who now", "/who"),
    ] {
        let mut rig = Rig::new();
        rig.typed(line);
        rig.says(answer);
        rig.asks("menu> ");
        assert!(rig.nothing_requested(), "{line}: {:?}", rig.requests);
    }
}

#[test]
fn an_unknown_command_in_a_conversation_is_never_sent() {
    let mut rig = Rig::new();
    rig.typed("/to bob");
    rig.typed("/sned me money");
    rig.says("there is no command /sned, nothing was sent");
    assert!(rig.nothing_requested());
    rig.asks("to bob> ");
}

#[test]
fn a_video_is_chosen_by_number_or_name() {
    let mut rig = Rig::new();
    rig.typed("4");
    rig.requested(&Command::Videos);
    rig.event(&Event::Videos { titles: vec![title("mandelbrot"), title("my holiday")] });
    rig.says("2  my holiday  0:12  240p (426x240), 720p (1280x720)  (no 1080p)  subtitles: de, pt-BR");
    rig.event(&Event::Ok { command: CommandName::Videos });
    rig.asks("which video> ");
    rig.typed("mandelbort");
    rig.says("Did you mean mandelbrot?");
    rig.typed("3");
    rig.says("There is no such video.");
    rig.typed("2");
    rig.says("240p, 720p");
    rig.asks("how> ");
    rig.typed("best");
    rig.says("Type tour");
    rig.typed("480");
    rig.says("There is no 480p; there is 240p, 720p.");
    rig.asks("how> ");
    rig.typed("720");
    let mode = PlayMode::Fixed(RenditionLabel(720));
    rig.requested(&Command::Play(PlayRequest { mode, ..PlayRequest::of("my holiday") }));
    rig.event(&Event::Ok { command: CommandName::Play });
    rig.asks("menu> ");
    for (line, mode) in [("", PlayMode::Auto), ("tour", PlayMode::Tour)] {
        rig.typed("4");
        rig.event(&Event::Ok { command: CommandName::Videos });
        rig.typed("mandelbrot");
        rig.typed(line);
        rig.requests.remove(0);
        rig.requested(&Command::Play(PlayRequest { mode, ..PlayRequest::of("mandelbrot") }));
        rig.event(&Event::Ok { command: CommandName::Play });
    }
}

#[test]
fn a_number_is_of_the_list_that_was_printed() {
    let mut rig = Rig::new();
    rig.typed("4");
    rig.event(&Event::Videos { titles: vec![title("alpha"), title("gamma")] });
    rig.ok();
    rig.event(&Event::VideosChanged {});
    rig.quiet_list(&["2", "alpha", "beta", "gamma"]);
    rig.typed("2");
    rig.says("gamma: Enter plays");
    rig.typed("/menu");
    for (typed, answer) in [("beta", "beta: Enter plays"), ("3", "There is no such video.")] {
        rig.menu.place = Place::Title;
        rig.typed(typed);
        rig.says(answer);
    }
    rig.event(&Event::VideosChanged {});
    rig.requests.clear();
    rig.quiet_list(&["alpha"]);
    rig.typed("2");
    rig.says("gamma is gone from the hub.");
    rig.asks("which video> ");
    rig.typed("1");
    rig.says("alpha: Enter plays");
}

#[test]
fn a_title_that_is_a_number_wins_over_the_list_it_was_printed_in() {
    let mut rig = Rig::new();
    rig.typed("4");
    rig.event(&Event::Videos { titles: vec![title("2"), title("alpha")] });
    rig.ok();
    rig.typed("2");
    rig.says("2: Enter plays");
}

#[test]
fn a_hub_without_videos_or_without_an_answer_leads_back_to_the_menu() {
    let mut rig = Rig::new();
    rig.typed("4");
    rig.event(&Event::Videos { titles: vec![] });
    rig.says("The hub has no videos.");
    rig.event(&Event::Ok { command: CommandName::Videos });
    rig.asks("menu> ");
    rig.typed("4");
    rig.event(&Event::Error(Failure::new(Code::TryLater, "busy", "later").of(CommandName::Videos)));
    rig.asks("menu> ");
    rig.typed("4");
    rig.pass(1);
    rig.says("has not answered");
    rig.asks("menu> ");
}

#[test]
fn a_prompt_waits_a_second_for_an_answer_and_not_longer() {
    let mut rig = Rig::new();
    rig.typed("3");
    assert_eq!(rig.menu.poll_timeout(), Some(Duration::from_secs(1)));
    rig.pass(1);
    rig.asks("menu> ");
    rig.event(&Event::Ok { command: CommandName::Who });
    rig.asks("menu> ");
}

#[test]
fn events_are_told_while_typing() {
    let mut rig = Rig::new();
    rig.event(&message("bob", "hi\nthere"));
    rig.event(&Event::Joined(member("carol")));
    assert_eq!(rig.printed, ["<bob> hi\n  | there", "* carol is here"]);
    rig.asks("menu> ");
    rig.printed.clear();
    for n in 0..200 {
        rig.event(&Event::Joined(member(&format!("m{n}"))));
    }
    assert_eq!(rig.printed.len(), 19, "twenty with carol");
    rig.pass(2);
    rig.says("* 181 more have come, 203 are here");
}

#[test]
fn ctrl_c_clears_and_twice_leaves() {
    let mut rig = Rig::new();
    rig.typed("1");
    rig.keys(Typed::Interrupt);
    rig.asks("menu> ");
    rig.typed("1");
    rig.keys(Typed::Interrupt);
    rig.says("Ctrl-C again leaves");
    rig.keys(Typed::Interrupt);
    rig.requested(&Command::Quit);
    rig.typed("3");
    assert!(rig.nothing_requested(), "nothing after leaving");
}

#[test]
fn bad_input_62_the_end_of_the_input_leaves_from_everywhere() {
    for lines in [&[][..], &["1"], &["/to bob"], &["3"]] {
        let mut rig = Rig::new();
        for line in lines {
            rig.typed(line);
        }
        rig.keys(Typed::End);
        assert_eq!(rig.requests.last(), Some(&Command::Quit), "{lines:?}");
        assert_eq!(rig.prompt, None);
    }
}

#[test]
fn bad_input_36_a_text_beyond_the_limit_is_not_sent() {
    let mut rig = Rig::new();
    rig.typed("/to bob");
    rig.typed(&"x".repeat(MAX_TEXT + 1));
    rig.says("A text has at most 1000000 bytes");
    assert!(rig.nothing_requested());
}

#[test]
fn bad_input_16_what_is_typed_wrong_is_escaped_when_repeated() {
    let mut rig = Rig::new();
    for line in ["/\u{1b}[2J", "/to \u{1b}[2J", "/send \u{1b}[2J hi", "/play x mode=\u{1b}[2J"] {
        rig.typed(line);
        assert!(rig.printed.iter().all(|text| !text.contains('\u{1b}')), "{:?}", rig.printed);
    }
}

#[test]
fn a_list_of_videos_that_changed_is_told_in_a_line_and_the_tab_key_knows_it() {
    let mut rig = Rig::new();
    assert!(rig.menu.titles.is_empty());
    rig.event(&Event::VideosChanged {});
    assert!(rig.shown("the videos on the hub have changed"), "{:?}", rig.printed);
    assert_eq!(rig.requests.last(), Some(&Command::Videos));
    rig.printed.clear();
    rig.quiet_list(&["new"]);
    assert!(!rig.shown("new"), "it was not asked for: {:?}", rig.printed);
    assert_eq!(rig.menu.titles.len(), 1);
    assert_eq!(rig.menu.titles[0].title, "new");
    rig.event(&Event::Videos { titles: vec![title("newest")] });
    assert!(rig.shown("newest"), "this one was");
    rig.event(&Event::VideosChanged {});
    rig.printed.clear();
    rig.quiet(&Event::Error(Failure::new(Code::TryLater, "busy", "later").of(CommandName::Videos)));
    assert!(rig.printed.is_empty(), "nor is it told that it cannot be had: {:?}", rig.printed);
}

#[test]
fn however_often_the_videos_change_one_list_is_under_way_and_one_more_follows() {
    let mut rig = Rig::new();
    for _ in 0..50 {
        rig.event(&Event::VideosChanged {});
    }
    rig.requested(&Command::Videos);
    rig.quiet_list(&["first"]);
    rig.requested(&Command::Videos);
    rig.quiet_list(&["first", "last"]);
    assert!(rig.nothing_requested(), "{:?}", rig.requests);
    assert_eq!(rig.menu.titles.len(), 2);
    rig.event(&Event::VideosChanged {});
    rig.requested(&Command::Videos);
}

#[test]
fn a_list_that_nobody_reads_answers_nothing_that_was_typed() {
    let busy = || Event::Error(Failure::new(Code::TryLater, "busy", "later").of(CommandName::Videos));
    for is_list in [true, false] {
        let mut rig = Rig::new();
        rig.event(&Event::VideosChanged {});
        rig.typed("4");
        if is_list {
            rig.quiet_list(&[]);
        } else {
            rig.quiet(&busy());
        }
        assert_eq!((rig.prompt.as_deref(), rig.printed.len()), (None, 0), "the list that was typed for is to come");
        rig.event(&Event::Videos { titles: vec![title("alpha")] });
        rig.says("1  alpha");
        rig.ok();
        rig.asks("which video> ");
    }
}

#[test]
fn a_title_that_was_mistyped_is_answered_with_the_nearest_ones_in_commands_of_the_prompt() {
    let mut rig = Rig::new();
    rig.event(&Event::VideosChanged {});
    rig.quiet_list(&["mandelbrot", "holiday"]);
    rig.typed("/play Mandelbrat");
    let hint = "`videos` lists what there is";
    rig.event(&Event::Error(Failure::new(Code::NoSuchTitle, "there is no such title", hint).of(CommandName::Play)));
    rig.says("Did you mean mandelbrot? `/videos` lists what there is");
}
