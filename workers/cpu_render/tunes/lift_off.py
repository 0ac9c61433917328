"""Lift Off: bright and driving, for launches and good news."""

from workers.cpu_render.tunes import drums, voices
from workers.cpu_render.tunes.score import Arpeggio, Bass, Chords, Drum, Melody, Score

SCORE = Score(
    name="lift-off",
    chords="D A Bm G D A Bm G D A Bm G D A Bm G Em7 G D A Em7 G Bm A D A Bm G D A G A",
    room_s=1.6,
    parts=(
        Chords(
            voice=voices.PIANO,
            level_db=-3,
            width=0.4,
            room=0.15,
            steps="X--x--x-|X--x-xx-",
            centre=64,
            ring=0.75,
        ),
        Chords(
            voice=voices.STRINGS,
            level_db=-11,
            room=0.4,
            steps="x-------",
            centre=69,
            bars="........xxxxxxxxxxxxxxxxxxxxxxxx",
        ),
        Arpeggio(
            voice=voices.MUTED_PLUCK,
            level_db=-9,
            pan=0.45,
            room=0.2,
            centre=74,
            steps="0121301202131012",
            bars="....xxxxxxxxxxxx....xxxxxxxxxxxx",
        ),
        Arpeggio(voice=voices.GUITAR, level_db=-9, pan=-0.45, room=0.15, steps="0.1.2.1.0.1.2.3.", ring=0.5),
        Bass(
            voice=voices.ROUND_BASS,
            level_db=-5,
            room=0.02,
            steps="rrrrrrr5",
            bars="..xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        ),
        Melody(
            voice=voices.GLOCKENSPIEL,
            level_db=-8,
            pan=-0.1,
            room=0.45,
            bars="........xxxxxxxx........xxxxxxxx",
            text="""
                A5:.5 F#5:.5 A5:1 D6:1 A5:1 | C#6:1.5 B5:.5 A5:2 |
                D6:.5 C#6:.5 B5:1 F#5:1 A5:1 | B5:1.5 A5:.5 G5:2 |
                A5:.5 F#5:.5 A5:1 D6:1 F#6:1 | E6:1.5 D6:.5 C#6:2 |
                D6:.5 C#6:.5 B5:1 D6:1 F#6:1 | E6:1.5 D6:.5 B5:2
            """,
        ),
        Melody(
            voice=voices.LEAD,
            level_db=-14,
            pan=0.15,
            room=0.4,
            bars="................xxxxxxxx........",
            text="""
                G4:2 B4:2 | D5:2 B4:2 | A4:2 F#4:2 | E4:3 -:1 |
                G4:2 B4:2 | D5:2 G5:2 | F#5:2 D5:2 | C#5:1 E5:1 A5:2
            """,
        ),
        Drum(voice=drums.KICK, level_db=-4, room=0.02, steps="XxXx", bars="..xxxxxxxxxxxxxx....xxxxxxxxxxxx"),
        Drum(
            voice=drums.CLAP, level_db=-12, room=0.25, steps=".X.X", bars="....xxxxxxxxxxxx....xxxxxxxxxxxx"
        ),
        Drum(
            voice=drums.HAT,
            level_db=-23,
            pan=0.2,
            room=0.05,
            steps="oXoXoXoX",
            bars="..xxxxxxxxxxxxxx..xxxxxxxxxxxxxx",
        ),
        Drum(
            voice=drums.TAMBOURINE,
            level_db=-23,
            pan=-0.35,
            room=0.1,
            steps="oxXxoxXx",
            bars="........xxxxxxxx........xxxxxxxx",
        ),
        Drum(
            voice=drums.SWELL, level_db=-23, room=0.3, steps="x...", bars=".......x...............x.......x"
        ),
        Drum(
            voice=drums.CRASH,
            level_db=-24,
            pan=0.2,
            room=0.3,
            steps="x...",
            bars="........x...............x.......",
        ),
    ),
)
