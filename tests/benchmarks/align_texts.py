"""What the narrations of the align benchmark say: scenes of a few sentences, in two halves that share none.

In each half of each language are numbers, abbreviations, phrases that open more than one scene, and a
sentence that comes twice, for those are what aligners trip over. How a voice reads `1987` or `Dr.` is its
own affair.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum


class Half(StrEnum):
    """What the product was tuned on, and what it never saw."""

    TUNING = "tuning"
    HELD_OUT = "held out"


Scene = tuple[str, ...]  # its sentences

# A sentence a line, because a full stop may end an abbreviation; a dash begins a scene.
_TEXTS: Mapping[str, Mapping[Half, str]] = {
    "en": {
        Half.TUNING: """
            - Long before dawn the baker lights his oven.
              The street is dark, and only his window is warm.
            - The flour comes from a mill on the river.
              Every week a cart brings 40 sacks to the back door.
            - And every morning the bread is ready by six.
              Nobody in the village remembers a day without it.
            - Dr. Hale, who lives next door, buys the first loaf.
              He has paid the same $2.50 since 1996.
            - And every morning the children stop on their way to school.
              They press their noses against the glass.
            - In winter the dough needs twice as long.
              So he sits by the stove and reads the paper.
            - His grandfather built this oven in 1923.
              It was made of 3,600 bricks, and not one has cracked.
            - One summer the river rose and filled the cellar.
              Nobody in the village remembers a day without it.
            - When evening comes the shop is quiet again.
              Tomorrow he will do it all once more.
        """,
        Half.HELD_OUT: """
            - The little train leaves the valley at eight.
              Steam drifts across the meadows, and cows look up.
            - It climbs 1,200 metres in less than an hour.
              No other line in the country is as steep.
            - Then the first tunnel swallows every sound.
              For half a minute there is nothing but darkness.
            - Mrs. Ferrar has sold tickets here since 1987.
              She knows most of her passengers by name.
            - Then the first bridge appears between the rocks.
              Far below, a green lake shines like glass.
            - At the summit everybody gets out to take pictures.
              The wind smells of snow, even in July.
            - The engine was built in 1931 by a firm in Leeds.
              It burns about 350 kg of coal a day.
            - On the way down the brakes glow red.
              She knows most of her passengers by name.
            - At last the lights of the station come closer.
              It has been a good day on the mountain.
        """,
    },
    "de": {
        Half.TUNING: """
            - Lange vor Sonnenaufgang heizt der Bäcker den Ofen an.
              Die Straße ist dunkel, nur sein Fenster leuchtet.
            - Das Mehl kommt aus einer Mühle am Fluss.
              Jede Woche bringt ein Wagen 40 Säcke an die Hintertür.
            - Und jeden Morgen ist das Brot um sechs Uhr fertig.
              Niemand im Dorf erinnert sich an einen Tag ohne Brot.
            - Herr Dr. Brandt von nebenan kauft den ersten Laib.
              Er zahlt seit 1996 denselben Preis.
            - Und jeden Morgen bleiben die Kinder vor dem Laden stehen.
              Sie drücken die Nasen an die Scheibe.
            - Im Winter braucht der Teig doppelt so lange.
              Dann sitzt er am Ofen und liest die Zeitung.
            - Sein Großvater hat den Ofen 1923 gebaut.
              Er besteht aus 3600 Steinen, und keiner ist gesprungen.
            - In einem Sommer stand das Wasser im Keller.
              Niemand im Dorf erinnert sich an einen Tag ohne Brot.
            - Am Abend wird es wieder still im Laden.
              Morgen beginnt alles noch einmal von vorn.
        """,
        Half.HELD_OUT: """
            - Um acht Uhr verlässt die kleine Bahn das Tal.
              Dampf zieht über die Wiesen, und die Kühe heben den Kopf.
            - In weniger als einer Stunde steigt sie 1200 Meter.
              Keine andere Strecke im Land ist so steil.
            - Dann kommt gleich der erste Tunnel und verschluckt jedes Geräusch.
              Eine halbe Minute lang gibt es nur Dunkelheit.
            - Frau Ferrari verkauft hier seit 1987 die Fahrkarten.
              Die meisten Gäste kennt sie beim Namen.
            - Dann kommt gleich die erste Brücke zwischen den Felsen.
              Tief unten glänzt ein grüner See wie Glas.
            - Auf dem Gipfel steigen alle aus und machen Bilder.
              Der Wind riecht nach Schnee, sogar im Juli.
            - Die Lokomotive wurde 1931 in Chemnitz gebaut.
              Sie verbrennt ca. 350 kg Kohle am Tag.
            - Auf dem Weg hinab glühen die Bremsen rot.
              Die meisten Gäste kennt sie beim Namen.
            - Endlich kommen die Lichter des Bahnhofs näher.
              Es war ein guter Tag auf dem Berg.
        """,
    },
    "fr": {
        Half.TUNING: """
            - Bien avant l'aube, le boulanger allume son four.
              La rue est sombre, et seule sa fenêtre est éclairée.
            - La farine vient d'un moulin au bord de la rivière.
              Chaque semaine, une charrette apporte 40 sacs.
            - Et chaque matin le pain est prêt à six heures.
              Personne au village ne se souvient d'un jour sans pain.
            - M. Delmas, le voisin, achète toujours la première miche.
              Il paie le même prix depuis 1996.
            - Et chaque matin les enfants s'arrêtent devant la vitrine.
              Ils collent leur nez contre la vitre.
            - En hiver, la pâte demande deux fois plus de temps.
              Alors il s'assoit près du feu et lit le journal.
            - Son grand-père a construit ce four en 1923.
              Il compte 3600 briques, et aucune ne s'est fendue.
            - Un été, la rivière est montée jusque dans la cave.
              Personne au village ne se souvient d'un jour sans pain.
            - Quand le soir tombe, la boutique redevient calme.
              Demain, tout recommencera encore une fois.
        """,
        Half.HELD_OUT: """
            - Le petit train quitte la vallée à huit heures.
              La vapeur flotte sur les prés, et les vaches lèvent la tête.
            - Il grimpe 1200 mètres en moins d'une heure.
              Aucune autre ligne du pays n'est aussi raide.
            - Puis le premier tunnel avale tous les bruits.
              Pendant une demi-minute, il n'y a que la nuit.
            - Mme Ferrar vend les billets ici depuis 1987.
              Elle connaît presque tous les voyageurs par leur nom.
            - Puis le premier pont apparaît entre les rochers.
              Tout en bas, un lac vert brille comme du verre.
            - Au sommet, tout le monde descend prendre des photos.
              Le vent sent la neige, même en juillet.
            - La locomotive fut construite à Lyon en 1931.
              Elle brûle environ 350 kg de charbon par jour.
            - Dans la descente, les freins deviennent tout rouges.
              Elle connaît presque tous les voyageurs par leur nom.
            - Enfin les lumières de la gare se rapprochent.
              C'était une belle journée sur la montagne.
        """,
    },
    "es": {
        Half.TUNING: """
            - Mucho antes del alba el panadero enciende el horno.
              La calle está oscura, y solo su ventana da luz.
            - La harina viene de un molino junto al río.
              Cada semana un carro trae 40 sacos a la puerta trasera.
            - Y cada mañana el pan está listo a las seis.
              Nadie en el pueblo recuerda un día sin pan.
            - El Sr. Robles, que vive al lado, compra la primera hogaza.
              Paga el mismo precio desde 1996.
            - Y cada mañana los niños se paran ante la tienda.
              Aprietan la nariz contra el cristal.
            - En invierno la masa tarda el doble de tiempo.
              Entonces se sienta junto al fuego y lee el periódico.
            - Su abuelo construyó este horno en 1923.
              Tiene 3600 ladrillos, y ninguno se ha roto.
            - Un verano el río subió y llenó la bodega.
              Nadie en el pueblo recuerda un día sin pan.
            - Cuando llega la noche la tienda vuelve a callar.
              Mañana todo empezará una vez más.
        """,
        Half.HELD_OUT: """
            - El pequeño tren sale del valle a las ocho.
              El vapor cruza los prados, y las vacas levantan la cabeza.
            - Sube 1200 metros en menos de una hora.
              Ninguna otra línea del país es tan empinada.
            - Luego el primer túnel se traga todos los ruidos.
              Durante medio minuto no hay más que oscuridad.
            - La Sra. Ferrer vende aquí los billetes desde 1987.
              Conoce por su nombre a casi todos los viajeros.
            - Luego el primer puente aparece entre las rocas.
              Muy abajo brilla un lago verde como el cristal.
            - En la cumbre todos bajan para hacer fotos.
              El viento huele a nieve, incluso en julio.
            - La locomotora se construyó en Bilbao en 1931.
              Quema unos 350 kg de carbón al día.
            - En la bajada los frenos se ponen rojos.
              Conoce por su nombre a casi todos los viajeros.
            - Por fin se acercan las luces de la estación.
              Ha sido un buen día en la montaña.
        """,
    },
}


def languages() -> Sequence[str]:
    """The languages that narrations are in."""
    return tuple(_TEXTS)


def scenes(language: str, half: Half) -> Sequence[Scene]:
    """The scenes of one half, in the order in which they are written."""
    found: list[Scene] = []
    for line in _TEXTS[language][half].strip().splitlines():
        before = () if line.strip().startswith("- ") else found.pop()
        found.append((*before, line.strip().removeprefix("- ")))
    return tuple(found)
