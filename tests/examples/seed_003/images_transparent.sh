# Generate a transparent PNG — perfect for game sprites, stickers, logos
curl -X POST https://api.creativeai.run/v1/images/generations \
-H "Authorization: Bearer YOUR_API_KEY" \
-H "Content-Type: application/json" \
-d '{
"model": "dall-e-3",
"prompt": "Pixel art warrior character, 64x64 sprite, clean edges",
"size": "1024x1024",
"background": "transparent",
"n": 1
}'
