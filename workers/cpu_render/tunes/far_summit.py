"""Far Summit: cinematic, strings that drive, horns above them, great drums."""

from workers.cpu_render.tunes import drums, voices
from workers.cpu_render.tunes.score import Arpeggio, Bass, Chords, Drum, Melody, Score

SCORE = Score(
    name="far-summit",
    chords="Dm Bb F C Dm Bb F C Dm Bb F C/E Dm Bb Gm A Dm F Bb C Dm F Gm A",
    room_s=3.0,
    parts=(
        Arpeggio(
            voice=voices.SPICCATO,
            level_db=-4,
            pan=-0.15,
            width=0.4,
            room=0.3,
            centre=57,
            steps="00102010|00102120",
        ),
        Arpeggio(
            voice=voices.SPICCATO,
            level_db=-9,
            pan=0.35,
            room=0.35,
            centre=69,
            steps="0010201000102010",
            bars="........xxxxxxxxxxxxxxxx",
        ),
        Chords(voice=voices.STRINGS, level_db=-6, room=0.45, steps="x-------", is_open=True, centre=60),
        Bass(
            voice=voices.STRINGS,
            level_db=-7,
            room=0.2,
            steps="r-------",
            lowest=31,
            bars="..xxxxxxxxxxxxxxxxxxxxxx",
        ),
        Melody(
            voice=voices.HORNS,
            level_db=-6,
            pan=0.1,
            room=0.55,
            bars="........xxxxxxxxxxxxxxxx",
            text="""
                A4:3 G4:1 | F4:2 C5:2 | D5:3 C5:1 | G4:3 E4:1 |
                F4:2 A4:2 | C5:3 A4:1 | Bb4:2 G4:2 | A4:2 C#5:2 |
                D4:3 E4:1 | F4:3 D4:1 | C4:2 A4:2 | G4:4 |
                A4:3 F4:1 | D4:2 F4:2 | G4:2 Bb4:2 | A4:4
            """,
        ),
        Chords(
            voice=voices.HORNS,
            level_db=-12,
            room=0.5,
            steps="x-------",
            centre=64,
            bars="................xxxxxxxx",
        ),
        Drum(
            voice=drums.TAIKO,
            level_db=-3,
            room=0.3,
            steps="X..x..x.|X..x..xx",
            bars="..xxxxxxxxxxxxxxxxxxxxxx",
        ),
        Drum(
            voice=drums.TOM,
            level_db=-9,
            pan=-0.3,
            room=0.35,
            steps="o.xoo.xo",
            bars="........xxxxxxxxxxxxxxxx",
        ),
        Drum(
            voice=drums.SNARE,
            level_db=-17,
            pan=0.1,
            room=0.4,
            steps="..o...o.|..o..xXX",
            bars="................xxxxxxxx",
        ),
        Drum(voice=drums.SWELL, level_db=-20, room=0.4, steps=".x..", bars=".......x.......x.......x"),
        Drum(voice=drums.CRASH, level_db=-21, room=0.4, steps="x...", bars="........x.......x...x..."),
    ),
)
