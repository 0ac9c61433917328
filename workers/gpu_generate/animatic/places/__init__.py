"""The places a scene can lie in; each draws its layers once."""

from collections.abc import Callable, Mapping

from workers.gpu_generate.animatic.canvas import Canvas
from workers.gpu_generate.animatic.places.deep import deep
from workers.gpu_generate.animatic.places.dry import desert
from workers.gpu_generate.animatic.places.indoors import room, studio
from workers.gpu_generate.animatic.places.open_country import meadow, mountain
from workers.gpu_generate.animatic.places.setting import Setting
from workers.gpu_generate.animatic.places.space import space
from workers.gpu_generate.animatic.places.town import city
from workers.gpu_generate.animatic.places.water import sea
from workers.gpu_generate.animatic.places.woods import forest
from workers.gpu_generate.animatic.scene import Scene
from workers.gpu_generate.animatic.words import Place

PLACES: Mapping[Place, Callable[[Scene, Canvas], Setting]] = {
    Place.MOUNTAIN: mountain,
    Place.MEADOW: meadow,
    Place.DESERT: desert,
    Place.FOREST: forest,
    Place.SEA: sea,
    Place.CITY: city,
    Place.SPACE: space,
    Place.DEEP: deep,
    Place.STUDIO: studio,
    Place.ROOM: room,
}
