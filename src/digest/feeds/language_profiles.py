"""What tells the languages of Latin letters apart: their commonest words, endings, and letters of their own.

The words are those that hold sentences together; each list was written for this table. A word that several
languages have counts for less in each.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

# By what we detect: words of one language, with spaces between them.
WORDS: Final = MappingProxyType(
    {
        "en": "the of and to in is was for that on with as it at by from his her are were be has have had "
        "an this not but they their its which who will would been or one all when there more about "
        "after into than over new out up what can could no if she he we you our your my how why says"
        " said some other also first two years where because before during between under against "
        "while only them him should may must do does did just most many these those such through "
        "back down off then old year day home today next every again without until won wins world "
        "local opens open call",
        "fr": "le la les de des du et à un une en est que qui dans pour par sur au aux avec ne pas plus ce"
        " cette ces son sa ses il elle ils elles on nous vous leur leurs mais ou où être été était "
        "sont ont a fait faire comme tout tous toute après avant depuis entre sans sous chez deux "
        "ans très encore aussi peut même cet dont lors vers contre selon ainsi car si jamais quand "
        "pourquoi comment je tu mon notre votre premier première nouveau nouvelle nouveaux année "
        "jour jours avait avoir serait sera",
        "es": "el la los las de del y a un una en es que quien para por con no se su sus lo al más como "
        "pero o fue ha han son está están este esta estos estas ese esa sobre entre cuando muy sin "
        "también desde hasta hay ser era porque todo todos donde después antes durante contra según "
        "ya si ni le les nos mi dos años año día días nuevo nueva nuevos uno cada otra otro tras "
        "hacia tiene puede había sido qué cómo quién aunque mientras hoy",
        "de": "der die das und in den von zu mit sich des auf für ist im dem nicht ein eine einen einem "
        "einer eines als auch es an werden aus er hat dass sie nach wird bei noch wie über so zum "
        "zur war haben nur oder aber vor durch man sein seine seiner ihre ihr ihren wurde sind kann "
        "wenn gegen vom bis unter um am seit ohne zwischen mehr jahre jahren jahr tag neue neuer "
        "neues neuen uns wir ich du was wer warum wo immer wieder schon sehr alle ihm ihn hatte "
        "waren soll muss dieser diese dieses",
        "it": "il lo la i gli le di del della dello dei degli delle e a un uno una in è che chi per con "
        "non si su sul sulla al alla ai alle da dal dalla nel nella nei nelle più come ma o sono ha "
        "hanno era anche suo sua suoi questo questa questi queste dopo prima quando dove tra fra se "
        "ci ne essere stato stata stati molto tutto tutti due anni anno giorno ogni senza contro "
        "perché cosa così già ancora nuovo nuova nuovi lui lei loro noi voi mio nostro oggi fino "
        "verso mentre",
        "pt": "o a os as de do da dos das e um uma em no na nos nas que para por com não se ao à aos às "
        "mais como mas ou foi é são ser está estão pelo pela pelos pelas seu sua seus suas sobre "
        "entre quando muito sem também desde até há já era porque tudo todos onde depois antes "
        "durante contra segundo ele ela eles elas isso este esta esse essa dois anos ano dia dias "
        "novo nova novos cada outro outra tem tinha sido ainda mesmo você nós meu nosso hoje num "
        "numa quem",
        "tr": "ve bir bu da de için ile olarak çok daha en gibi kadar sonra olan ama o ne var yok değil mi"
        " mı mu mü her ki şey ya diye önce göre karşı arasında üzerine tarafından ise olduğu oldu "
        "olacak etti yeni yıl yıllık gün bugün eski ilk iki üç biz siz ben sen onun bizim hem ancak "
        "ayrıca kendi bütün tüm hiç nasıl neden niçin şimdi artık yine bile zaman yer içinde "
        "üzerinde altında dedi",
        "nl": "de het een en van in is dat op te voor met zijn niet aan er om ook als bij door maar uit "
        "naar dan nog of over tot wordt werd heeft had hun hij ze zij wij je ik die deze dit was "
        "worden kan meer na geen veel onder tegen tussen sinds zonder waar wat wie hoe waarom toen "
        "al jaar jaren dag nieuwe nieuw zo zich haar hem ons onze uw mijn moet zal zou alle elke "
        "weer wel twee eerste onder",
    }
)
# Languages that we do not tell, but that must not be taken for one of those above.
OTHERS: Final = MappingProxyType(
    {
        "sv": "och att det som en på är av för med den till inte om ett har de jag var men sig från vi så "
        "kan när efter eller mot hos vid nya år över under också skulle",
        "da": "og at det som en på er af for med den til ikke om et har de jeg var men sig fra vi så kan "
        "når efter eller mod hos ved nye år over under også skulle blev",
        "no": "og å det som en på er av for med den til ikke om et har de jeg var men seg fra vi så kan "
        "når etter eller mot hos ved nye år over under også skulle ble",
        "pl": "i w na z się nie do że jest to o po jak ale za od przez dla są był była oraz także tym "
        "który która lub przy już roku będzie nowy nowa",
        "ro": "și în de la a cu pe un o nu este că din care pentru mai sunt au fost prin după lui între "
        "sau dar ale al anul ani nou noua către fără despre se",
        "ca": "el la els les de del i a un una en és que per amb no es seu seva als més com però o va han "
        "són aquest aquesta sobre entre quan molt sense també des fins hi ser perquè tot després "
        "abans nou nova anys dia",
        "hu": "a az és hogy nem egy is van volt meg csak de már ki el mint ez azt új még lesz között után "
        "szerint vagy ha minden",
        "cs": "a v na je se že to s z do o k za pro ale by jako po jsou byl byla od který která nebo při "
        "také už roku nový nová než",
        "fi": "ja on ei se että oli hän joka mutta myös kun niin kuin ovat sen uusi vuoden jälkeen mukaan "
        "sekä tai vain",
        "hr": "i u na je se da su za od s o koji koja što ali kao iz bi nije bio bila ili po do te nakon "
        "novi nova godine",
        "az": "və bir bu da də üçün ilə olaraq çox daha ən kimi qədər sonra olan amma o nə var yox deyil "
        "hər ki görə yeni il gün ilk iki həm öz bütün",
        "id": "yang dan di ke dari untuk dengan pada tidak ini itu adalah dalam akan oleh juga atau sudah "
        "telah bisa kami mereka karena baru tahun",
        "vi": "và của là có được cho không trong với một các này những đã để người từ năm mới",
        "sq": "dhe në të e i për me nga një është që nuk ka si më por u do nga tek kjo ky vit ri",
        "af": "die en van het is in nie om te dat hy sy was vir met aan ook op as by na maar deur ons "
        "hulle baie nuwe jaar",
        "la": "et in est non ad cum ut ex sed quod qui quae per ab esse sunt ac atque",
    }
)
# Letters that (nearly) no other of the languages above has, and endings of two letters or more.
LETTERS: Final = MappingProxyType(
    {
        "fr": "œùêû",
        "es": "ñ¿¡",
        "de": "ß",
        "pt": "ãõ",
        "tr": "ığş",
        "sv": "å",
        "da": "åø",
        "no": "åø",
        "pl": "łąęśźżń",
        "ro": "șțăţ",
        "hu": "őű",
        "cs": "ěřůčš",
        "hr": "čćšđž",
        "az": "ə",
        "vi": "ơưđạảấầậếềệốồộớờợ",
        "ca": "·",
    }
)
ENDINGS: Final = MappingProxyType(
    {
        "en": "tion tions ing ness ship ful ight ould ally ers ough ity",
        "fr": "tion tions ement aux eux euse eurs elle elles ité ités ière ières age ages ois ait",
        "es": "ción ciones dad dades miento mente ado ada ados adas ero eros ón oso",
        "de": "ung ungen keit heit lich ische ischen schaft schen cht ßen tet ern",
        "it": "zione zioni mento tà ello etti etto esso ato ata ati ano ono ella ezza",
        "pt": "ção ções dade dades mento ção eiro eira agem ão ões",
        "tr": "lar ler ları leri lık lik nda nde dan den yor ması mesi ında inde ının inin dır dir",
        "nl": "ing ingen heid lijk lijke schap elijk tje tjes eren aar ijk ijn",
    }
)
