"""First Light: warm and hopeful, plucked chords that open up."""

from workers.cpu_render.tunes import drums, voices
from workers.cpu_render.tunes.score import Arpeggio, Bass, Chords, Drum, Melody, Score

SCORE = Score(
    name="first-light",
    chords="""
        Am9 Fmaj7 Cadd9 G Am9 Fmaj7 Cadd9 G
        Am9 Fmaj7 G Cadd9 Dm7 Fmaj7 Cadd9 G
        Am9 Fmaj7 Cadd9 G Am9 Fmaj7 G Cadd9,G
    """,
    room_s=2.4,
    parts=(
        Chords(voice=voices.PAD, level_db=-9, room=0.5, steps="x-------"),
        Arpeggio(voice=voices.GUITAR, level_db=-4, pan=-0.2, width=0.5, room=0.3, steps="01232132", ring=2),
        Arpeggio(
            voice=voices.GUITAR,
            level_db=-9,
            pan=0.5,
            room=0.4,
            centre=74,
            steps="..1...2.",
            ring=2,
            bars="....xxxxxxxx....xxxxxxxx",
        ),
        Bass(
            voice=voices.ROUND_BASS, level_db=-6, room=0.03, steps="r--.r-r-", bars=".xxxxxxxxxxxxxxxxxxxxxxx"
        ),
        Melody(
            voice=voices.SOFT_BELL,
            level_db=-7,
            pan=0.1,
            room=0.6,
            bars="....xxxxxxxx....xxxxxxxx",
            text="""
                -:4 | -:4 | -:4 | -:4 |
                E5:1.5 D5:.5 C5:2 | A4:1.5 C5:.5 E5:2 | G5:1.5 E5:.5 D5:2 | D5:1 C5:1 B4:2 |
                E5:1 F5:.5 E5:.5 C5:2 | A4:1 C5:1 A5:2 | G5:1.5 F5:.5 D5:1 B4:1 | C5:3 -:1
            """,
        ),
        Drum(
            voice=drums.SOFT_KICK, level_db=-7, room=0.02, steps="X...x...", bars="..xxxxxxxxxx..xxxxxxxxxx"
        ),
        Drum(
            voice=drums.SHAKER,
            level_db=-24,
            pan=0.3,
            room=0.1,
            steps="oxoXoxoX",
            bars="....xxxxxxxx....xxxxxxxx",
        ),
        Drum(
            voice=drums.RIM,
            level_db=-21,
            pan=-0.15,
            room=0.3,
            steps="..x...x.",
            bars="........xxxx........xxxx",
        ),
    ),
)
