# Turns the events of one process into lines `MILLISECONDS WHO WHAT`, on the hub's clock. For script/demo.
#
#     awk -v who=NAME -f account.awk hub.events NAME.events
#
# Each process counts its time from its own start.

function text(key) {
    if (!match($0, "\"" key "\":\"[^\"]*\"")) return ""
    return substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 5)
}

function number(key) {
    if (!match($0, "\"" key "\":[0-9.]+")) return 0
    return substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3)
}

function size() {
    return number("width") "x" number("height") " pixels"
}

# Kept until this process's clock is known.
function tell(what) {
    at[++lines] = number("t")
    line[lines] = what
}

# A member hears that somebody joined after the hub knows it: of all such news the quickest tells how far apart
# their clocks are.
function hear_of(name) {
    late = number("t") - joined[name]
    if (!heard++ || late < behind) behind = late
}

FNR == 1 { file++ }
{ event = text("event") }

file == 1 && who != "hub" {
    if (event == "member_joined") joined[text("name")] = number("t")
    next
}
file == 2 && who == "hub" { exit }

who == "hub" {
    if (event == "listening") tell("listens at " text("url"))
    if (event == "member_joined") tell("lets " text("name") " in; " number("members") " here")
    if (event == "member_left") tell("lets " text("name") " go; " number("members") " here")
    if (event == "rendition") tell("sends " text("title") " to " text("name") " in " size())
    if (event == "bye") tell("closes")
    next
}

event == "welcome" || event == "joined" { hear_of(text("name")) }
event == "joined" { tell("is told that " text("name") " joined") }
event == "message" { tell("reads from " text("from") (index($0, "\"to_all\":true") ? ", to all" : "") ": " text("text")) }
event == "delivered" && who == "alice" { tell("knows that " text("by") " has it") }
event == "display" { tell("plays a film; display: " text("kind")) }
event == "play_started" { tell("sees the first frame after " number("first_frame_ms") " ms") }
event == "rendition" { tell("sees " text("label") ", " size()) }
event == "play_ended" {
    tell(sprintf("has seen the film: %d frames, %d shown, %d dropped, %d stalls",
        number("frames"), number("shown"), number("dropped"), number("stalls")))
}

# The hub comes first within a millisecond, and what one process did stays in order.
END {
    for (i = 1; i <= lines; i++) printf "%d.%05d %-5s  %s\n", at[i] - behind, (who == "hub" ? 0 : 1000) + i, who, line[i]
}
