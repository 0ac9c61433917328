"""Quiet Letter: a piano alone, sad and tender; later strings behind it."""

from workers.cpu_render.tunes import voices
from workers.cpu_render.tunes.score import Arpeggio, Bass, Chords, Melody, Score

SCORE = Score(
    name="quiet-letter",
    chords="Cm9 Abmaj7 Eb Bb/D Cm9 Abmaj7 Fm7 Gsus4,G Abmaj7 Bb Gm7 Cm Abmaj7 Fm7 Gsus4 G",
    room_s=2.8,
    parts=(
        Arpeggio(
            voice=voices.FELT_PIANO,
            level_db=-4,
            pan=-0.1,
            width=0.4,
            room=0.35,
            centre=58,
            steps="01213121",
            ring=1.5,
        ),
        Bass(voice=voices.FELT_PIANO, level_db=-5, pan=-0.15, room=0.3, steps="r---5---", lowest=36, ring=3),
        Melody(
            voice=voices.PIANO,
            level_db=-3,
            pan=0.1,
            room=0.45,
            text="""
                -:4 | -:2 G4:1 C5:1 | Bb4:3 G4:1 | F4:2 D5:1 Eb5:1 |
                G5:3 F5:1 | Eb5:2 C5:2 | Ab5:2 G5:1 F5:1 | D5:3 -:1 |
                C5:1 Eb5:1 G5:2 | F5:3 D5:1 | Bb4:1 D5:1 F5:2 | Eb5:3 -:1 |
                C6:2 Bb5:1 G5:1 | Ab5:2 F5:2 | G5:2 F5:1 D5:1 | B4:3 -:1
            """,
        ),
        Chords(
            voice=voices.STRINGS,
            level_db=-10,
            room=0.6,
            steps="x-------",
            is_open=True,
            centre=64,
            bars="......xxxxxxxxxx",
            ring=4.2,
        ),
        Melody(
            voice=voices.STRINGS,
            level_db=-14,
            pan=0.25,
            room=0.6,
            bars="........xxxxxxxx",
            text="""
                -:4 | -:4 | -:4 | -:4 |
                -:4 | -:4 | -:4 | -:4 |
                Eb5:4 | D5:4 | D5:4 | C5:4 |
                Eb5:4 | C5:4 | C5:4 | B4:4
            """,
        ),
    ),
)
