"""Steady Hand: confident and modern, a pulse under few, certain notes."""

from workers.cpu_render.tunes import drums, voices
from workers.cpu_render.tunes.score import Arpeggio, Bass, Chords, Drum, Melody, Score

SCORE = Score(
    name="steady-hand",
    chords="""
        Em7 Cmaj7 G D/F# Em7 Cmaj7 G D/F#
        Em7 Cmaj7 G D/F# Em7 Cmaj7 Am7 D
        Cmaj7 D Em7 G/B Cmaj7 D Em7 D
    """,
    room_s=1.8,
    parts=(
        Chords(voice=voices.PAD, level_db=-8, room=0.4, steps="x-------", pump=0.35),
        Arpeggio(
            voice=voices.SYNTH_PLUCK, level_db=-7, pan=0.25, room=0.3, steps="0.1.2.1.0.2.1.2.", centre=64
        ),
        Arpeggio(
            voice=voices.MUTED_PLUCK,
            level_db=-11,
            pan=-0.5,
            room=0.2,
            centre=76,
            steps="..0..1..2..1..0.",
            bars="....xxxxxxxxxxxxxxxxxxxx",
        ),
        Chords(
            voice=voices.PIANO,
            level_db=-7,
            width=0.3,
            room=0.25,
            steps="X-----x-",
            bars="........xxxxxxxxxxxxxxxx",
            ring=2,
        ),
        Bass(
            voice=voices.SYNTH_BASS,
            level_db=-6,
            room=0.02,
            steps="r--rr-..r--rr-5-",
            lowest=28,
            bars="..xxxxxxxxxxxxxxxxxxxxxx",
        ),
        Melody(
            voice=voices.LEAD,
            level_db=-12,
            room=0.4,
            bars="........xxxxxxxxxxxxxxxx",
            text="""
                B4:2 E5:2 | A4:3 B4:1 | G4:2 B4:2 | D5:3 B4:1 |
                E5:3 D5:1 | D5:2 F#5:2 | E5:2 B4:2 | A4:4 |
                B4:3 A4:1 | G4:3 -:1 | B4:2 D5:2 | A4:3 -:1 |
                B4:3 D5:1 | E5:3 -:1 | C5:2 A4:2 | A4:3 -:1
            """,
        ),
        Drum(
            voice=drums.DEEP_KICK,
            level_db=-3,
            room=0.02,
            steps="X.....x.x.......|X.....x.x..x....",
            bars="..xxxxxxxxxxxxxxxxxxxxxx",
        ),
        Drum(
            voice=drums.SNAP,
            level_db=-16,
            room=0.3,
            steps="....X.......X...",
            bars="....xxxxxxxxxxxxxxxxxxxx",
        ),
        Drum(
            voice=drums.CLAP,
            level_db=-17,
            pan=0.1,
            room=0.3,
            steps="....X.......X...",
            bars="................xxxxxxxx",
        ),
        Drum(
            voice=drums.HAT,
            level_db=-24,
            pan=0.25,
            room=0.05,
            steps="x.o.x.o.x.oox.o.",
            bars="....xxxxxxxxxxxxxxxxxxxx",
        ),
        Drum(voice=drums.SWELL, level_db=-24, room=0.3, steps="x...", bars=".......x.......x.......x"),
    ),
)
