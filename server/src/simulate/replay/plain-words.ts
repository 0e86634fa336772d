/** Words that tell nothing about anybody, and those the rules of turn-taking look at: they stay as they are in a shared call. */
import { defaultLines } from '#conversation/lines.ts';
import { wordsOf } from '#conversation/rules/words.ts';

const list = (words: string) => words.trim().split(/\s+/);

const english = list(`
  a an the and or but because so if that this these those than then which who what when where why how there here
  i me my mine you your yours he him his she her hers it its we us our ours they them their theirs myself
  am is are was were be been being do does did done dont doesnt didnt have has had havent can cannot cant could couldnt will wont
  would wouldnt shall should shouldnt may might must not no nope nah never none nothing yes yeah yep yup sure ok okay alright
  correct right exactly absolutely definitely please thanks thank hello hi hey bye goodbye sorry excuse well like just only also too
  very really much many more most some any all each every both few little lot lots other another same different
  to of for with without from in on at by as about into over under up down off out after before until since during between through
  im youre hes shes were theyre ive youve weve id youd ill youll well thats whats lets names
  um uhm umm uh uhh er erm eh ah oh hm hmm mm mhm huh aha wow
  want need like know think mean say said tell ask call called calling speak spoke talk hear heard see look find get got give take
  make made go going gone come coming put keep let help wait hold stop try change cancel book booked order open close closed start
  end move pay paid cost costs send sent receive check work works happen happened leave left stay use used
  appointment booking order question answer problem message person somebody anybody someone anyone everybody name number phone
  telephone address email mail day week month year hour hours minute minutes second seconds moment time morning afternoon evening
  night today tomorrow yesterday tonight weekend now later soon again always still already yet first last next new old good bad
  great fine nice sorry price money dollars euros pounds cents percent am pm oclock noon midnight half quarter
  dot at com net org www double triple dash underscore plus hash
  whether although unless maybe buy bring show set add remove update reschedule confirm something everything
  got gotcha understood cool back free long short early late one's day's st nd rd th spelled spelling letter word words
`);
const german = list(`
  und oder aber weil wenn dass der die das den dem des ein eine einen einem einer mein meine meinen ihr ihre ihren zu von fur mit aus
  in an auf bei nach vor uber unter ich du er sie es wir mich mir dich dir uns ihnen ist sind war bin hat habe haben hatte kann konnen
  konnte mochte muss will wollen soll darf werden wird wurde nicht kein keine ja nein doch jawohl jep klar genau gerne richtig stimmt
  ne nee nie bitte danke hallo guten tag morgen abend tschuss wiederhoren ahm ah also naja tja nur auch noch schon mal sehr viel mehr
  wann wo was wer wie warum welche heute ubermorgen gestern wochenende woche monat jahr uhr stunde stunden minute minuten moment jetzt
  spater bald wieder termin bestellung frage antwort problem nachricht person name vorname nachname heisse heiße nummer telefonnummer
  adresse offen geoffnet geschlossen hier spricht am um im zum zur klammeraffe punkt doppel stopp halt warte warten entschuldigung
  achso ach jaja verstehe super gut ob meinem meiner unser unsere vom ohne
`);
const spanish = list(`
  y o e u pero porque si que el la los las lo un una unos unas mi mis su sus de del para por con sin en a al yo tu usted nosotros me te
  le se nos es son era soy estoy esta estan hay tengo tiene quiero quiere puedo puede debo no nunca tampoco claro vale correcto exacto
  bueno gracias favor hola adios eh em este mm hm pues tambien muy mas menos mucho poco cuando donde quien como cual cuanto hoy manana
  ayer semana mes ano hora horas minuto minutos momento ahora luego pronto cita pedido pregunta respuesta problema mensaje persona
  nombre llamo llama habla numero telefono direccion correo abierto cerrado abren cierran cambiar cancelar arroba punto doble triple
  para pare espera espere perdone disculpe nuestro sobre
`);
const french = list(`
  et ou mais parce si que qui quoi le la les un une des du de mon ma mes votre vos pour avec sans dans en a au aux je tu il elle nous
  vous ils me te se est sont suis etait ai as avez ont peux peut pouvez voudrais veux voulez dois ne pas plus jamais non oui ouais
  daccord exact exactement correct voila merci bonjour bonsoir revoir svp plait euh heu ben bah alors aussi tres beaucoup peu quand ou
  comment pourquoi combien aujourdhui demain hier semaine mois an heure heures minute minutes moment instant maintenant bientot
  rendezvous commande question reponse probleme message personne nom mappelle cest numero telephone adresse ouvert ferme changer
  annuler arobase point attendez attends excusez moi bon bien par chez
`);

const ofLines = ['en', 'de', 'es', 'fr'].flatMap((language) =>
  Object.values(defaultLines(language)).flatMap((line: string | readonly string[]) => wordsOf([line].flat().join(' '))),
);

/** As `wordsOf` gives them: lower case, without accents and apostrophes. */
export const plainWords: ReadonlySet<string> = new Set([
  ...[...english, ...german, ...spanish, ...french].flatMap((word) => wordsOf(word)),
  // Said by the assistant itself in every call.
  ...ofLines,
]);

/** Words that stand for one another in a shared call: the rules only ask to which of these lists a word belongs. */
export const wordClasses: readonly (readonly string[])[] = [
  list('zero one two three four five six seven eight nine nought'),
  list('ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'),
  list('twenty thirty forty fifty sixty seventy eighty ninety'),
  list('monday tuesday wednesday thursday friday saturday sunday'),
  list('january february march april june july august september october november december'),
  list('null eins zwei zwo drei vier sechs sieben acht neun'),
  list('zehn elf zwolf dreizehn vierzehn funfzehn sechzehn siebzehn achtzehn neunzehn'),
  list('zwanzig dreissig vierzig sechzig siebzig achtzig neunzig'),
  list('montag dienstag mittwoch donnerstag freitag samstag sonntag sonnabend'),
  list('januar janner februar marz mai juni juli oktober dezember'),
  list('cero uno dos tres cuatro cinco siete ocho nueve'),
  list('diez once doce trece catorce quince dieciseis diecisiete dieciocho diecinueve'),
  list('veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa'),
  list('lunes martes miercoles jueves viernes sabado domingo'),
  list('enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre'),
  list('deux trois quatre cinq six sept huit neuf'),
  list('dix onze douze treize quatorze quinze seize'),
  list('vingt trente quarante cinquante soixante septante huitante octante nonante'),
  list('lundi mardi mercredi jeudi vendredi samedi dimanche'),
  list('janvier fevrier avril juin juillet aout octobre novembre decembre'),
];
