"""Invented sentences of a newspaper, by language: paragraphs, and the titles above them."""

from __future__ import annotations

PARAGRAPHS: dict[str, tuple[str, ...]] = {
    "en": (
        (
            "YEREVAN -- The reading room on Mill Lane will stay open until ten from Monday, the library "
            "said. Two of its windows had been broken since the spring, and nobody had found the money to "
            "mend them."
        ),
        (
            "When the night bus stopped running, the drivers asked the council for a small heater in the "
            "shelter. They got it after three years, and now people wait there without a word."
        ),
        (
            "The choir has sung in the stairwell every winter because the hall is too cold. Its conductor "
            "says that neighbours who complained at first now bring chairs and tea."
        ),
        (
            "Apricots are late this year. Farmers on the slope expect half of what they picked last "
            "summer, but the price may be better than it was."
        ),
    ),
    "fr": (
        (
            "La bibliothèque de la rue du Moulin restera ouverte jusqu’à dix heures du soir à partir de "
            "lundi. Deux de ses fenêtres étaient cassées depuis le printemps et personne n’avait trouvé "
            "l’argent pour les réparer."
        ),
        (
            "Quand le bus de nuit s’est arrêté, les chauffeurs ont demandé un petit chauffage à la mairie."
            " Ils l’ont obtenu après trois ans, et maintenant les gens y attendent sans un mot."
        ),
        (
            "Les abricots sont en retard cette année. Les paysans de la colline espèrent la moitié de la "
            "récolte de l’été dernier, mais le prix pourrait être meilleur."
        ),
    ),
    "es": (
        (
            "La biblioteca de la calle del Molino seguirá abierta hasta las diez a partir del lunes. Dos "
            "de sus ventanas estaban rotas desde la primavera y nadie había encontrado dinero para "
            "arreglarlas."
        ),
        (
            "Cuando el autobús nocturno dejó de pasar, los conductores pidieron al ayuntamiento una "
            "pequeña estufa. La consiguieron después de tres años y ahora la gente espera allí sin decir "
            "nada."
        ),
        (
            "Los albaricoques llegan tarde este año. Los campesinos de la ladera esperan la mitad de lo "
            "que recogieron el verano pasado, pero el precio puede ser mejor."
        ),
    ),
    "de": (
        (
            "Der Lesesaal in der Mühlgasse bleibt ab Montag bis zehn Uhr offen, teilte die Bücherei mit. "
            "Zwei seiner Fenster waren seit dem Frühjahr zerbrochen, und niemand hatte das Geld gefunden, "
            "sie zu richten."
        ),
        (
            "Als der Nachtbus nicht mehr fuhr, baten die Fahrer die Stadt um eine kleine Heizung im "
            "Wartehaus. Nach drei Jahren bekamen sie sie, und jetzt warten die Leute dort ohne ein Wort."
        ),
        (
            "Die Aprikosen sind in diesem Jahr spät. Die Bauern am Hang erwarten nur die Hälfte vom "
            "letzten Sommer, aber der Preis könnte besser werden."
        ),
    ),
    "it": (
        (
            "La sala di lettura in via del Mulino resterà aperta fino alle dieci da lunedì, ha detto la "
            "biblioteca. Due delle sue finestre erano rotte dalla primavera e nessuno aveva trovato i "
            "soldi per ripararle."
        ),
        (
            "Quando l’autobus notturno si è fermato, gli autisti hanno chiesto al comune una piccola "
            "stufa. L’hanno avuta dopo tre anni e adesso la gente aspetta lì senza una parola."
        ),
        (
            "Le albicocche sono in ritardo quest’anno. I contadini della collina aspettano la metà di "
            "quello che hanno raccolto l’estate scorsa, ma il prezzo può essere migliore."
        ),
    ),
    "pt": (
        (
            "A sala de leitura da rua do Moinho ficará aberta até às dez a partir de segunda-feira. Duas "
            "das suas janelas estavam partidas desde a primavera e ninguém tinha encontrado dinheiro para "
            "as arranjar."
        ),
        (
            "Quando o autocarro da noite deixou de passar, os motoristas pediram à câmara um pequeno "
            "aquecedor. Conseguiram-no depois de três anos e agora as pessoas esperam ali sem uma palavra."
        ),
        (
            "Os damascos estão atrasados este ano. Os agricultores da encosta esperam metade do que "
            "colheram no verão passado, mas o preço pode ser melhor."
        ),
    ),
    "tr": (
        (
            "Değirmen Sokağı’ndaki okuma salonu pazartesiden itibaren saat ona kadar açık kalacak. İki "
            "penceresi ilkbahardan beri kırıktı ve onları onarmak için kimse para bulamamıştı."
        ),
        (
            "Gece otobüsü durunca şoförler belediyeden durak için küçük bir soba istedi. Üç yıl sonra "
            "aldılar ve şimdi insanlar orada hiç konuşmadan bekliyor."
        ),
        (
            "Kayısı bu yıl geç kaldı. Yamaçtaki çiftçiler geçen yaz topladıklarının yarısını bekliyor, ama"
            " fiyat daha iyi olabilir."
        ),
    ),
    "nl": (
        (
            "De leeszaal in de Molenstraat blijft vanaf maandag tot tien uur open, zei de bibliotheek. "
            "Twee van de ramen waren sinds het voorjaar gebroken en niemand had het geld gevonden om ze te"
            " maken."
        ),
        (
            "Toen de nachtbus niet meer reed, vroegen de chauffeurs de gemeente om een kleine kachel. Die "
            "kregen ze na drie jaar, en nu wachten de mensen er zonder een woord."
        ),
        (
            "De abrikozen zijn dit jaar laat. De boeren op de helling verwachten de helft van wat ze "
            "vorige zomer plukten, maar de prijs kan beter zijn."
        ),
    ),
    "hy": ("Ընթերցասրահը երկուշաբթի օրվանից բաց կլինի մինչև ժամը տասը, ասացին գրադարանում։",),
    "el": ("Το αναγνωστήριο θα μένει ανοιχτό ως τις δέκα από τη Δευτέρα.",),
    "he": ("חדר הקריאה יישאר פתוח עד עשר החל מיום שני.",),
    "ka": ("სამკითხველო ორშაბათიდან ათ საათამდე ღია იქნება.",),
    "ru": ("Читальный зал с понедельника будет открыт до десяти, сообщили в библиотеке.",),
    "uk": ("Читальна зала з понеділка працюватиме до десятої, повідомили в бібліотеці.",),
    "bg": ("Читалнята ще бъде отворена до десет часа от понеделник, съобщи библиотеката.",),
    "ar": ("ستبقى قاعة المطالعة مفتوحة حتى العاشرة ابتداء من يوم الاثنين في المدينة.",),
    "fa": ("سالن مطالعه از دوشنبه تا ساعت ده باز است و کتابخانه این را گفت.",),
    "ja": ("閲覧室は月曜日から十時まで開いています。",),
    "zh": ("阅览室从星期一开始开放到十点。",),
    "ko": ("열람실은 월요일부터 열 시까지 문을 엽니다.",),
    "th": ("ห้องอ่านหนังสือจะเปิดถึงสี่ทุ่มตั้งแต่วันจันทร์",),
}
TITLES: dict[str, tuple[str, ...]] = {
    "en": (
        "The bus that waits for nobody",
        "What a choir knows about winter",
        "Why we keep the reading room",
        "A bridge is mended after two years",
        "Chess club draws with its old rival",
        "Museum opens its new hall to children",
        "How the bakery turned one hundred",
        "Apricot harvest is late again this summer",
    ),
    "fr": (
        "Le bus qui n’attend personne",
        "Ce que la chorale sait de l’hiver",
        "Un pont réparé après deux ans de travaux",
        "Le club d’échecs fait match nul avec son vieux rival",
        "Pourquoi nous gardons la salle de lecture",
        "La récolte des abricots est encore en retard",
    ),
    "es": (
        "El autobús que no espera a nadie",
        "Lo que un coro sabe del invierno",
        "Un puente reparado después de dos años",
        "Por qué conservamos la sala de lectura",
        "La cosecha de albaricoques llega tarde este verano",
        "El museo abre su nueva sala a los niños",
    ),
    "de": (
        "Der Bus, der auf niemanden wartet",
        "Was ein Chor über den Winter weiß",
        "Die Brücke ist nach zwei Jahren wieder offen",
        "Warum wir den Lesesaal behalten",
        "Die Aprikosenernte kommt in diesem Sommer spät",
        "Das Museum öffnet seinen neuen Saal für Kinder",
    ),
    "it": (
        "L’autobus che non aspetta nessuno",
        "Quello che un coro sa dell’inverno",
        "Un ponte riparato dopo due anni",
        "Perché teniamo la sala di lettura",
        "Il museo apre la sua nuova sala ai bambini",
        "La raccolta delle albicocche è ancora in ritardo",
    ),
    "pt": (
        "O autocarro que não espera por ninguém",
        "O que um coro sabe do inverno",
        "Uma ponte reparada depois de dois anos",
        "Porque mantemos a sala de leitura",
        "O museu abre a sua nova sala às crianças",
        "A colheita dos damascos está atrasada este verão",
    ),
    "tr": (
        "Kimseyi beklemeyen otobüs",
        "Bir koro kış hakkında ne bilir",
        "Köprü iki yıl sonra onarıldı",
        "Okuma salonunu neden koruyoruz",
        "Müze yeni salonunu çocuklara açıyor",
        "Kayısı hasadı bu yaz yine geç kaldı",
    ),
    "nl": (
        "De bus die op niemand wacht",
        "Wat een koor over de winter weet",
        "De brug is na twee jaar weer open",
        "Waarom wij de leeszaal houden",
        "Het museum opent zijn nieuwe zaal voor kinderen",
        "De oogst van de abrikozen is weer laat",
    ),
    "hy": (
        "Ավտոբուսը, որ սպասում է",
        "Կամուրջը նորոգվեց",
        "Ծիրանի բերքը",
    ),
    "el": ("Το λεωφορείο που περιμένει",),
    "ru": ("Почему мы держим читальный зал открытым",),
    "ar": ("الحافلة التي لا تنتظر أحدا",),
    "he": ("האוטובוס שלא מחכה לאיש",),
}
# What is of no language that we tell, or of none at all.
UNSURE = (
    "",
    "2026",
    "🇦🇲 🎉",
    "Opera Gala 2026",
    "Ani Petrosyan",
    "Tata Simonyan, Hamburg",
    "YEREVAN",
    ("Läsesalen på Kvarngatan är öppen till klockan tio från och med måndag, och det har inte hänt förut."),
    "Læsesalen er åben til klokken ti fra mandag, og det har ikke været sådan før.",
    "Czytelnia przy ulicy Młyńskiej będzie od poniedziałku otwarta do dziesiątej, ale nie w niedzielę.",
    "Sala de lectură va fi deschisă până la ora zece și nu este nevoie de bilet pentru copii.",
    (
        "La sala de lectura estarà oberta fins a les deu i els nens hi poden entrar amb els pares, però no"
        " sense."
    ),
    "Az olvasóterem hétfőtől tíz óráig lesz nyitva, és nem kell jegy hozzá.",
    "Oxu zalı bazar ertəsindən saat ona qədər açıq olacaq və bilet lazım deyil.",
    "Чытальная зала будзе адкрыта да дзесяці, як і ўвесь год.",
    "ریڈنگ روم پیر سے دس بجے تک کھلا رہے گا۔",
    "דער לײענזאַל וועט זײַן אָפֿן ביז צען.",
    "Welcome Добро пожаловать Բարի գալուստ",
)
