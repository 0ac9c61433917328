"""Slow Tide: calm, wide chords and single bells, no drums."""

from workers.cpu_render.tunes import voices
from workers.cpu_render.tunes.score import Arpeggio, Bass, Chords, Melody, Score

SCORE = Score(
    name="slow-tide",
    chords="Fmaj9 Cadd9/E Am7 Gadd9 Fmaj9 Cadd9/E Dm9 Gsus4 Fmaj7#11 Cadd9 Am7 Gsus4",
    room_s=4.5,
    parts=(
        Chords(
            voice=voices.PAD,
            level_db=-4,
            width=0.3,
            room=0.6,
            steps="x-------",
            is_open=True,
            centre=65,
            ring=4.6,
        ),
        Chords(
            voice=voices.STRINGS,
            level_db=-9,
            room=0.7,
            steps="x-------",
            centre=74,
            bars="....xxxxxxxx",
            ring=4.3,
        ),
        Arpeggio(
            voice=voices.SOFT_BELL,
            level_db=-8,
            pan=-0.4,
            width=0.6,
            room=0.9,
            centre=72,
            steps="0213|0312",
            ring=3,
        ),
        Arpeggio(
            voice=voices.FELT_PIANO,
            level_db=-10,
            pan=-0.05,
            width=0.5,
            room=0.6,
            steps="0.2.1.3.",
            ring=3,
            bars="..xxxxxxxxxx",
        ),
        Bass(voice=voices.SUB_BASS, level_db=-9, room=0.1, steps="r-------", lowest=31),
        Melody(
            voice=voices.FLUTE,
            level_db=-10,
            pan=0.15,
            room=0.9,
            bars="....xxxxxxxx",
            text="""
                -:4 | -:4 | -:4 | -:4 |
                A4:3 G4:1 | E4:3 -:1 | F4:2 A4:2 | D5:3 -:1 |
                B4:3 A4:1 | G4:3 -:1 | C5:2 E5:2 | D5:3 -:1
            """,
        ),
    ),
)
