"""The cpu-render pool: pictures, clips, music and text become one MP4."""
