"""Paper Boats: light and playful, wood, strings plucked short, and a whistle."""

from workers.cpu_render.tunes import drums, voices
from workers.cpu_render.tunes.score import Arpeggio, Bass, Chords, Drum, Melody, Score

SCORE = Score(
    name="paper-boats",
    chords="C Am F G C Am Dm7 G C Am F G C Am Dm7,G C F C G Am F C D7 G C Am F G C Am Dm7,G C",
    room_s=1.0,
    parts=(
        Chords(
            voice=voices.UKULELE,
            level_db=-4,
            pan=-0.25,
            room=0.12,
            steps=".x.x.x.x|.x.x.xxx",
            centre=69,
            ring=0.4,
        ),
        Bass(voice=voices.PIZZICATO, level_db=-3, room=0.12, steps="r.5.|r.4.", lowest=40, ring=0.9),
        Arpeggio(
            voice=voices.MARIMBA,
            level_db=-5,
            pan=0.3,
            room=0.2,
            centre=72,
            steps="0.2.1.2.|0.12..21",
            bars="....xxxxxxxxxxxx....xxxxxxxxxxxx",
            ring=0.5,
        ),
        Melody(
            voice=voices.WHISTLE,
            level_db=-8,
            pan=0.1,
            room=0.35,
            bars="....xxxxxxxxxxxx........xxxxxxxx",
            text="""
                -:4 | -:4 | -:4 | -:4 |
                G5:1 E5:.5 G5:.5 C6:1 G5:1 | A5:1 G5:.5 E5:.5 A5:2 | F5:1 A5:.5 F5:.5 D5:1 F5:1 | G5:3 -:1 |
                G5:1 E5:.5 G5:.5 C6:1 E6:1 | E6:1 C6:.5 A5:.5 E5:2 |
                A5:1 C6:.5 A5:.5 F5:1 A5:1 | G5:1 B5:1 D6:2 |
                C6:1 G5:.5 E5:.5 G5:1 C6:1 | A5:1 E5:1 C5:2 | F5:1 A5:1 G5:1 B5:1 | C6:3 -:1
            """,
        ),
        Melody(
            voice=voices.GLOCKENSPIEL,
            level_db=-10,
            pan=-0.1,
            room=0.35,
            bars="................xxxxxxxx........",
            text="""
                A5:1 C6:1 F6:2 | E6:1 C6:1 G5:2 | B5:1 D6:1 G6:2 | E6:1 C6:1 A5:2 |
                A5:1 C6:1 F6:2 | G6:1 E6:1 C6:2 | F#6:1 E6:1 D6:2 | B5:3 -:1
            """,
        ),
        Drum(
            voice=drums.SOFT_KICK,
            level_db=-8,
            room=0.05,
            steps="X.x.",
            bars="..xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        ),
        Drum(
            voice=drums.RIM,
            level_db=-17,
            pan=0.15,
            room=0.2,
            steps=".x.x|.x.xxo.x",
            bars="..xxxxxxxxxxxxxx..xxxxxxxxxxxxxx",
        ),
        Drum(
            voice=drums.SHAKER,
            level_db=-23,
            pan=-0.3,
            room=0.1,
            steps="xoXoxoXo",
            bars="....xxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        ),
        Drum(
            voice=drums.TAMBOURINE,
            level_db=-22,
            pan=0.35,
            room=0.1,
            steps=".X.X",
            bars="........xxxxxxxx........xxxxxxxx",
        ),
    ),
)
