# Video Generation - async with polling
# Step 1: Submit video generation job
curl -X POST https://api.creativeai.run/v1/video/generations \
-H "Authorization: Bearer YOUR_API_KEY" \
-H "Content-Type: application/json" \
-d '{
"model": "auto",
"prompt": "A drone shot over a coastal city at golden hour, cinematic",
"duration": 5,
"aspect_ratio": "16:9",
"character_reference_url": "https://example.com/character.png",
"character_references": ["https://example.com/char1.png", "https://example.com/char2.png"],
"camera_angle": "isometric",
"style_reference_url": "https://example.com/style.jpg",
"webhook_url": "https://your-app.com/webhooks/creativeai/video"
}'
# Response: { "id": "abc123", "status": "processing", ... }
# Step 2: Poll for completion
curl https://api.creativeai.run/v1/video/generations/abc123 \
-H "Authorization: Bearer YOUR_API_KEY"
