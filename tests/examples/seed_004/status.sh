curl $HOST/api/v1/media-render/jobs/mrproj_... \
-H "Authorization: Bearer $KEY"
