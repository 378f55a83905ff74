# Turns the events of one process into lines `MILLISECONDS WHO WHAT`, on the hub's clock. For script/demo.
#
#     awk -v who=NAME -f account.awk hub.events NAME.events

function text(key) {
    if (!match($0, "\"" key "\":\"[^\"]*\"")) return ""
    return substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 5)
}

function number(key) {
    if (!match($0, "\"" key "\":[0-9.]+")) return 0
    return substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3)
}

function tell(what) {
    printf "%d %-6s %s\n", number("t") + offset, who, what
}

{ event = text("event") }

# The first file tells when the hub let this member in; of the second, it is this member's own story.
FNR == 1 { file++ }
file == 1 {
    if (event == "member_joined" && text("name") == who) let_in = number("t")
    if (who != "hub") next
}
file == 2 && who == "hub" { exit }
event == "welcome" { offset = let_in - number("t"); tell("joined; " number("members") " here") }

event == "listening" { tell("listens at " text("url")) }
event == "member_left" { tell("let " text("name") " go; " number("members") " here") }
event == "rendition" && who == "hub" { tell("sends " text("title") " to " text("name") " in " number("width") "x" number("height") " pixels") }
event == "rendition" && who != "hub" { tell("sees " text("label") ", " number("width") "x" number("height") " pixels") }
event == "joined" { tell("was told that " text("name") " joined") }
event == "left" { tell("was told that " text("name") " left (" text("reason") ")") }
event == "message" { tell("read from " text("from") (index($0, "\"to_all\":true") ? ", to all" : "") ": " text("text")) }
event == "queued" { tell("wrote to " text("to")) }
event == "delivered" { tell("knows that " text("by") " has it") }
event == "display" { tell("plays; display: " text("kind")) }
event == "play_started" { tell("saw the first frame of " text("title") " after " number("first_frame_ms") " ms") }
event == "play_ended" && who != "hub" {
    tell(sprintf("saw the end: %d frames, %d shown, %d dropped, %d stalls", number("frames"), number("shown"), number("dropped"), number("stalls")))
}
event == "bye" { tell(who == "hub" ? "closed" : "left") }
