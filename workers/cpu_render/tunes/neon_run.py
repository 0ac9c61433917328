"""Neon Run: electronic and restless, everything moves around the kick."""

from workers.cpu_render.tunes import drums, voices
from workers.cpu_render.tunes.score import Arpeggio, Bass, Chords, Drum, Melody, Score

SCORE = Score(
    name="neon-run",
    chords="Am Am F G Am Am F Em Am C G F Am C G Em F G Am C F G Em Am Am C G F Am C G Em",
    room_s=1.7,
    parts=(
        Chords(voice=voices.STRINGS, level_db=-7, room=0.3, steps="x-------", pump=0.8),
        Arpeggio(
            voice=voices.SYNTH_PLUCK,
            level_db=-7,
            width=0.9,
            room=0.3,
            centre=69,
            steps="0123210301232103",
            pump=0.4,
        ),
        Arpeggio(
            voice=voices.SYNTH_PLUCK,
            level_db=-12,
            pan=-0.4,
            room=0.4,
            centre=81,
            steps="0..2..1.0..2..1.",
            bars="........xxxxxxxx........xxxxxxxx",
        ),
        Bass(voice=voices.SYNTH_BASS, level_db=-5, room=0.01, steps="r8r8r8r8", pump=0.45),
        Melody(
            voice=voices.LEAD,
            level_db=-10,
            pan=0.1,
            room=0.4,
            bars="........xxxxxxxx........xxxxxxxx",
            text="""
                E5:1.5 D5:.5 C5:1 E5:1 | G5:2 E5:2 | D5:1.5 C5:.5 B4:1 D5:1 | C5:2 A4:2 |
                E5:1.5 D5:.5 C5:1 E5:1 | G5:1.5 A5:.5 G5:1 E5:1 | D5:1.5 E5:.5 D5:1 B4:1 | B4:1 G4:1 E5:2
            """,
        ),
        Drum(
            voice=drums.DEEP_KICK,
            level_db=-1,
            room=0.01,
            steps="XXXX",
            bars="xxxxxxxxxxxxxxxx..xxxxxxxxxxxxxx",
        ),
        Drum(
            voice=drums.CLAP, level_db=-10, room=0.25, steps=".X.X", bars="....xxxxxxxxxxxx....xxxxxxxxxxxx"
        ),
        Drum(
            voice=drums.OPEN_HAT,
            level_db=-19,
            pan=0.15,
            room=0.08,
            steps=".x.x.x.x",
            bars="....xxxxxxxxxxxx....xxxxxxxxxxxx",
        ),
        Drum(voice=drums.HAT, level_db=-24, pan=-0.2, room=0.05, steps="xoxoxoxoxoxoxoxo"),
        Drum(
            voice=drums.SWELL, level_db=-21, room=0.3, steps="x...", bars=".......x.......x.x.....x.......x"
        ),
        Drum(
            voice=drums.CRASH,
            level_db=-22,
            pan=-0.2,
            room=0.3,
            steps="x...",
            bars="........x...............x.......",
        ),
    ),
)
