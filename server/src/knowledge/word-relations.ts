/**
 * English words that belong together although neither stem nor root shows it. They widen the question only: the index stays
 * as it was written, and the word itself always counts more. Lines are groups; a word may stand in several.
 */
import { termOf } from '#models/terms.ts';

/** Irregular forms of one word, and nouns made of it. */
const FORMS = `
  arise arose arisen | awake awoke | bear bore borne birth born | beat beaten | become became | begin began begun | bend bent
  bind bound | bite bit bitten | bleed bled | blow blew blown | break broke broken | breed bred | bring brought | build built
  burn burnt | buy bought | catch caught | choose chose chosen choice | come came | creep crept | deal dealt | dig dug
  draw drew drawn | dream dreamt | drink drank drunk | drive drove driven | eat ate eaten | fall fell fallen | feed fed
  feel felt | fight fought | flee fled | fly flew flown flight | forbid forbade forbidden | forget forgot forgotten
  forgive forgave forgiven | freeze froze frozen | give gave given | go went gone | grind ground | grow grew grown growth
  hang hung | hear heard | hide hid hidden | hold held | keep kept | know knew known | lay laid | lead led | leap leapt
  learn learnt | leave left | lend lent | lie lay lain | light lit | lose lost loss | make made | mean meant | meet met
  mistake mistook mistaken | pay paid | prove proven proof | ride rode ridden | ring rang rung | rise rose risen | run ran
  say said | see saw seen sight | seek sought | sell sold sale | send sent | sew sewn | shake shook shaken | shine shone
  shoot shot | show shown | shrink shrank shrunk | sing sang sung song | sink sank sunk | sit sat | sleep slept | slide slid
  speak spoke spoken speech | spend spent | spin spun | stand stood | steal stole stolen | stick stuck | strike struck
  swear swore sworn | sweep swept | swim swam | swing swung | take took taken | teach taught | tear tore torn | tell told
  think thought | throw threw thrown | understand understood | wake woke | wear wore worn | weave wove woven | win won
  wind wound | withdraw withdrew withdrawn | write wrote written | undergo underwent | overcome overcame | oversee oversaw
  undertake undertook undertaken | die dead death | live life lives
  man men | woman women | child children | foot feet | tooth teeth | goose geese | mouse mice | person people | wife wives
  knife knives | leaf leaves | half halves | wolf wolves | thief thieves | shelf shelves | criterion criteria
  phenomenon phenomena | medium media | crisis crises | analysis analyses analyse analyze | thesis theses | basis bases
  index indices | matrix matrices | appendix appendices | bacterium bacteria
  long length | strong strength | wide width | deep depth | high height | broad breadth | warm warmth | true truth
  young youth | hot heat | poor poverty | free freedom | wise wisdom | weigh weight
  serve service | succeed success successor | receive receipt reception | believe belief | relieve relief
  destroy destruction | describe description | decide decision | divide division | conclude conclusion | invade invasion
  expand expansion | extend extension extent | produce production product | reduce reduction | introduce introduction
  solve solution | resolve resolution | absorb absorption | assume assumption | explain explanation | repeat repetition
  maintain maintenance | marry marriage | try trial | deny denial | approve approval | arrive arrival | refuse refusal
  renew renewal | argue argument | pursue pursuit | advise advice | complain complaint | apply application | supply supplies
  permit permission | admit admission | submit submission | commit commission | transmit transmission | perceive perception
  conceive concept conception | compete competition competitor | oppose opposition | propose proposal | acquire acquisition
  require requirement | attend attendance | respond response | defend defence defense | offend offence offense
  intend intention intent | suspend suspension | judge judgment | fail failure | press pressure | close closure
  expose exposure | depart departure | mix mixture | science scientist scientific | politics politician political
  music musician | library librarian | history historian historical | economy economic economist`;

/** Countries, their people, and what they speak; faiths and their faithful. */
const PEOPLES = `
  france french frenchman | germany german | england english | britain british | spain spanish spaniard | italy italian
  greece greek | turkey turkish turk | poland polish pole | russia russian | china chinese | japan japanese | korea korean
  india indian | ireland irish | scotland scottish scot | wales welsh | netherlands dutch holland | belgium belgian
  denmark danish dane | sweden swedish swede | norway norwegian | finland finnish finn | iceland icelandic
  portugal portuguese | switzerland swiss | austria austrian | hungary hungarian | czech czechia | romania romanian
  bulgaria bulgarian | serbia serbian serb | croatia croatian croat | ukraine ukrainian | egypt egyptian | iraq iraqi
  iran iranian persia persian | israel israeli | arabia arab arabic | syria syrian | america american usa | canada canadian
  mexico mexican | brazil brazilian | argentina argentine argentinian | chile chilean | peru peruvian | cuba cuban
  australia australian | africa african | asia asian | europe european | vietnam vietnamese | thailand thai
  philippines filipino | pakistan pakistani | afghanistan afghan | mongolia mongolian mongol | kenya kenyan
  nigeria nigerian | ethiopia ethiopian | morocco moroccan | rome roman | athens athenian | paris parisian
  jew jewish judaism | christian christianity | muslim islam islamic | buddhist buddhism | hindu hinduism
  catholic catholicism | protestant protestantism`;

/** Nearly one meaning, in the speech of callers and in what they are answered from. */
const ALIKE = `
  begin start commence open launch | end finish conclude stop cease terminate | buy purchase order
  get receive obtain acquire gain | give provide supply offer grant | make create produce build construct manufacture
  found establish create form | big large great huge | small little tiny | fast quick rapid speed
  important significant major main key | near close nearby next | main primary chief principal | use utilize employ apply
  help assist aid support | show display demonstrate indicate | need require must necessary | want wish desire | try attempt
  keep retain maintain hold preserve | allow permit let enable | forbid ban prohibit prevent | change alter modify amend
  fix repair mend | break damage defective faulty broken | send ship dispatch deliver post mail | return refund reimburse
  pay payment bill charge invoice | cheap inexpensive affordable low | free gratis | discount reduction rebate | ticket pass
  trip journey travel voyage expedition | car vehicle automobile | bike bicycle | plane aircraft | ship vessel boat
  house home residence | flat apartment | shop store | medicine drug medication | ill sick disease illness
  job work occupation employment | worker employee staff | boss manager head chief leader | company firm business corporation
  law act legislation statute | court judge tribunal | war conflict battle fight | army troops soldiers forces military
  kill murder slay | attack assault raid invade | beat defeat overcome conquer | win victory triumph
  ruler king emperor monarch | rule reign govern control | area region district zone territory | town city
  country nation state | border boundary frontier | road street route way | start origin beginning | cause reason
  result outcome effect consequence | answer reply response | question query | idea concept notion | kind type sort
  part portion section piece component | amount quantity number | whole entire total | rise increase grow
  fall decrease decline drop | similar alike | different distinct | famous notable prominent renowned | wealthy rich
  money cash currency | price rate | size dimension | often frequent | usually normally generally | mostly mainly largely
  said stated claimed | called named known termed | name title | think believe consider | find discover detect
  look search seek | choose select pick elect | teach instruct | student pupil | teacher instructor professor
  school college | university college | book volume | write author compose | writer author | leave depart exit
  arrive arrival | enter entry | move relocate | live reside dwell inhabit | settle colonize | emigrate migrate
  remove delete eliminate | add include | join connect attach link | separate split divide | watch observe view
  speak talk | speech talk | meet encounter | happen occur | accident crash | fire blaze | safe secure | danger risk hazard
  strong powerful | weak feeble | hard difficult | easy simple | password passcode pin | phone mobile cell
  internet web online | email mail | bag luggage baggage | room suite | book reserve | reservation booking
  insurance cover coverage policy | contract agreement treaty | sign register enrol enroll subscribe | delay late
  holiday vacation | lawyer attorney solicitor | customer client | goods products items | warranty guarantee | missing lost
  population inhabitants people | women female | men male | old ancient | new modern recent | current present
  former previous earlier`;

/** Say what kind of thing a question asks for, seldom what it is about: "the name of", "what year", "is known as". */
const FRAME = `name type kind sort term word example amount number many people person thing call known refer describe consider take
  place use year date time day century country city state group part happen exist include say mention list way reason main
  different certain following first become made make give given`;

export interface Relative {
  term: string;
  /** How well it stands for the other, 0 to 1. */
  likeness: number;
}

/** From each term to those of its groups. */
function related(text: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>();
  for (const group of text.split(/\n|\|/)) {
    const terms = wordsIn(group);
    for (const term of terms) found.set(term, new Set([...(found.get(term) ?? []), ...terms]));
  }
  return new Map([...found].map(([term, all]) => [term, [...all].filter((other) => other !== term)]));
}

const wordsIn = (text: string): string[] => text.trim().split(/\s+/).filter(Boolean).map(termOf);

const FORM_WORTH = 0.8;
const PEOPLE_WORTH = 0.7;
const ALIKE_WORTH = 0.4;
const RELATIVES = new Map<string, Relative[]>();
for (const [groups, likeness] of [
  [related(FORMS), FORM_WORTH],
  [related(PEOPLES), PEOPLE_WORTH],
  [related(ALIKE), ALIKE_WORTH],
] as const) {
  for (const [term, others] of groups) {
    const known = RELATIVES.get(term) ?? [];
    const fresh = others.filter((other) => !known.some((one) => one.term === other));
    RELATIVES.set(term, [...known, ...fresh.map((other) => ({ term: other, likeness }))]);
  }
}
const FRAME_TERMS = new Set(wordsIn(FRAME));
const NONE: readonly Relative[] = [];

/** Terms that may stand for `term`, each once. */
export const relativesOf = (term: string): readonly Relative[] => RELATIVES.get(term) ?? NONE;

/** Whether the word frames questions rather than names their subject. */
export const isFrameTerm = (term: string): boolean => FRAME_TERMS.has(term);
