curl -X POST $HOST/api/v1/media-render/uploads \
-H "Authorization: Bearer $KEY" \
-H "Content-Type: application/json" \
-d '{
"projectName": "Launch montage",
"files": [
{
"fileName": "intro.mp4",
"contentType": "video/mp4",
"fileSize": 52428800,
"durationSeconds": 12,
"width": 1920,
"height": 1080
},
{
"fileName": "product.png",
"contentType": "image/png",
"fileSize": 2048000,
"width": 1600,
"height": 1200
},
{
"fileName": "music.mp3",
"contentType": "audio/mpeg",
"fileSize": 8192000,
"durationSeconds": 90
}
]
}'
