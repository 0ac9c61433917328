# Commerce workflow: cleanup -> motion -> voice -> final MP4
# 1) Enhance the source product image for marketplace-safe lighting/background
curl -X POST https://api.creativeai.run/v1/images/edits -H "Authorization: Bearer YOUR_API_KEY" -F model="seedream-v4.5-edit" -F image=@product.jpg -F prompt="Clean up this product photo, sharpen details, improve lighting, and place the item on a clean white studio background with a soft natural shadow" -F size="1024x1024"
# 2) Turn the cleaned-up still into a short motion clip
curl -X POST https://api.creativeai.run/v1/video/generations -H "Authorization: Bearer YOUR_API_KEY" -H "Content-Type: application/json" -d '{
"model": "auto",
"image_url": "https://cdn.creativeai.run/output/clean-product-shot.png",
"prompt": "Slow premium turntable shot of this product, subtle camera drift, soft studio reflections, ecommerce ad style",
"duration": 5,
"webhook_url": "https://your-app.com/webhooks/creativeai/video"
}'
# 3) Generate the narration track
curl -X POST https://api.creativeai.run/api/generate/voice -H "Authorization: Bearer YOUR_API_KEY" -H "Content-Type: application/json" -d '{
"text": "Meet the travel mug built for commutes, workouts, and long desk days. Leak-resistant, lightweight, and ready to go.",
"voice": "alloy",
"language": "en",
"speed": 1.0,
"webhook_url": "https://your-app.com/webhooks/creativeai/voice"
}'
# 4) Merge the hosted voice track onto the hosted MP4
curl -X POST https://api.creativeai.run/api/generate/compose -H "Authorization: Bearer YOUR_API_KEY" -H "Content-Type: application/json" -d '{
"video_url": "https://cdn.creativeai.run/output/product-motion.mp4",
"audio_url": "https://cdn.creativeai.run/output/product-voice.mp3",
"replace_audio": true,
"webhook_url": "https://your-app.com/webhooks/creativeai/compose"
}'
