# Image-to-Video - animate a still image
curl -X POST https://api.creativeai.run/v1/video/generations \
-H "Authorization: Bearer YOUR_API_KEY" \
-H "Content-Type: application/json" \
-d '{
"model": "auto",
"prompt": "Camera slowly zooms in, the character turns and smiles",
"image_url": "https://example.com/portrait.png",
"duration": 5,
"aspect_ratio": "9:16"
}'
