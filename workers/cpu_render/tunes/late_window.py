"""Late Window: relaxed, an electric piano and a beat that leans back."""

from workers.cpu_render.tunes import drums, voices
from workers.cpu_render.tunes.score import Bass, Chords, Drum, Melody, Score

SCORE = Score(
    name="late-window",
    chords="Dm9 G13 Cmaj9 A7b9 Dm9 G13 Em7 A7b9 Fmaj9 G13 Em7 Am9 Dm9 G13 Cmaj9 A7b9",
    room_s=1.3,
    swing=0.11,
    parts=(
        Chords(
            voice=voices.ELECTRIC_PIANO,
            level_db=-2,
            width=0.4,
            room=0.25,
            steps="X--x.-x-|x-.x--x.",
            centre=62,
            ring=1,
        ),
        Bass(voice=voices.UPRIGHT_BASS, level_db=-5, room=0.05, steps="r--.r-5-|r--r5-8-", lowest=31),
        Melody(
            voice=voices.MUTED_PLUCK,
            level_db=-9,
            pan=0.2,
            room=0.35,
            bars="....xxxxxxxxxxxx",
            text="""
                -:4 | -:4 | -:4 | -:4 |
                -:1 A4:.5 C5:.5 E5:1 D5:1 | B4:1.5 A4:.5 G4:2 | -:1 G4:.5 B4:.5 D5:1 E5:1 | C#5:2 A4:2 |
                -:.5 C5:.5 E5:1 G5:1 E5:1 | D5:1.5 B4:.5 A4:2 | -:1 B4:.5 D5:.5 G5:1 E5:1 | C5:3 -:1 |
                -:1 A4:.5 C5:.5 F5:1 E5:1 | D5:1 B4:1 G4:2 | E4:.5 G4:.5 B4:1 D5:2 | C#5:3 -:1
            """,
        ),
        Chords(
            voice=voices.PAD, level_db=-15, room=0.5, steps="x-------", centre=69, bars="........xxxxxxxx"
        ),
        Drum(
            voice=drums.SOFT_KICK, level_db=-4, room=0.03, steps="X..x....|X....xo.", bars=".xxxxxxxxxxxxxxx"
        ),
        Drum(voice=drums.BRUSH, level_db=-10, room=0.2, steps="..X...X.|..X...Xo", bars=".xxxxxxxxxxxxxxx"),
        Drum(voice=drums.HAT, level_db=-23, pan=0.25, room=0.05, steps="xoxoxoxx"),
        Drum(
            voice=drums.SHAKER, level_db=-27, pan=-0.35, room=0.1, steps="oxoxoxox", bars="........xxxxxxxx"
        ),
    ),
)
