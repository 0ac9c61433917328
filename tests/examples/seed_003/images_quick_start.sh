curl -X POST https://api.creativeai.run/v1/images/generations \
-H "Authorization: Bearer YOUR_API_KEY" \
-H "Content-Type: application/json" \
-d '{
"model": "dall-e-3",
"prompt": "A serene Japanese garden at sunset",
"size": "1024x1024",
"n": 1,
"character_references": ["https://example.com/char1.png", "https://example.com/char2.png"],
"camera_angle": "isometric",
"style_reference_url": "https://example.com/style.jpg"
}'
