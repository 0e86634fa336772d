/** Documents of the demo business. Each paragraph stands by itself: it may be the only one that is read out. */
export const demoDocuments: readonly { title: string; text: string; tags: string[] }[] = [
  {
    title: 'Opening hours and appointments',
    tags: ['hours', 'appointments'],
    text: `Harbour Dental is open Monday to Thursday from eight in the morning to six in the evening. On Friday we are open from eight to four. On Saturday we are open from nine to one. On Sunday and on public holidays the practice is closed.

The telephone is answered by a person from eight until fifteen minutes before we close. Outside these hours the assistant answers questions, and the reception team calls back on the next working day.

You can book an appointment by telephone, at the reception, or on our website. A routine appointment is usually free within eight days. Early mornings and late afternoons fill first, so the hours between eleven and two are the easiest to get.

You can cancel or move an appointment free of charge until twenty four hours before it begins. After that, or when an appointment is missed, we charge twenty five pounds. If you are ill on the day, call us before nine and there is no charge.

New patients are welcome. Please come ten minutes before your first appointment and bring proof of your address and a list of the medicines you take. Registration is free. The first visit takes about forty minutes, because the dentist examines all teeth and takes two small X-rays.

We send a reminder by text message two days before each appointment. If you would rather have an email, tell the reception.

If you are late by more than ten minutes, we may have to make the treatment shorter or find you another time.`,
  },
  {
    title: 'Prices of treatments',
    tags: ['prices'],
    text: `A check-up costs forty five pounds for adults and takes about twenty minutes. It includes an examination of all teeth and gums and a test for mouth cancer. For children under sixteen the check-up is free.

A cleaning with the hygienist costs sixty two pounds and takes half an hour. A check-up and a cleaning on the same day cost ninety five pounds together.

A small X-ray costs twelve pounds. A panoramic X-ray of the whole mouth costs forty pounds.

A white filling costs between ninety and one hundred and sixty pounds, depending on its size. The dentist tells you the price before the work begins.

Taking out a tooth costs one hundred and ten pounds. Taking out a wisdom tooth costs two hundred and twenty pounds, because it takes longer and needs a second visit to remove the stitches.

A root canal treatment costs three hundred and fifty pounds for a front tooth and five hundred and twenty pounds for a back tooth. It usually takes two visits of one hour.

A crown costs six hundred and forty pounds. It is made in our own laboratory and is ready within five working days. A bridge costs five hundred and ninety pounds for each tooth.

Whitening costs two hundred and eighty pounds. You get trays that fit your teeth and wear them at home, every night for two weeks.

An emergency appointment costs fifty five pounds. That includes the examination and the first relief of pain. Students and people over sixty five pay ten percent less for every treatment.`,
  },
  {
    title: 'Insurance and payment',
    tags: ['insurance', 'payment'],
    text: `We work with all large dental insurers. You pay us on the day of the treatment, and we give you a receipt with the codes that your insurer needs. Most insurers pay the money back within ten days.

If your insurer wants to agree to a treatment first, we write the cost estimate for you. The estimate is free and is ready within two working days.

You can pay by credit card, by debit card, with your phone, or in cash. We do not take cheques.

Treatments that cost more than three hundred pounds can be paid in six monthly instalments without interest. You need a bank account and an identity card, and the reception sets it up in five minutes.

Our dental plan costs fourteen pounds a month. It covers two check-ups and two cleanings each year, and gives fifteen percent off all other treatments. You can leave the plan at the end of any month.

Before every treatment that costs more than one hundred pounds you get a written estimate. The final bill is never more than ten percent above the estimate unless you have agreed to it.

If a filling or a crown fails within two years, we replace it free of charge, as long as you have been to a check-up each year.

Refunds are paid to the card that you used, within five working days.`,
  },
  {
    title: 'Directions and parking',
    tags: ['directions', 'parking', 'access'],
    text: `Harbour Dental is at number fourteen, Harbour Street, next to the old lighthouse. The main entrance is up the ramp on the left side of the building.

Our own car park is behind the building. The entrance is on Rope Lane, the second street on the right after the bridge. It has twelve spaces and is free for patients. Please give your number plate to the reception, so that you do not get a ticket.

If our car park is full, the market car park is three minutes away on foot. It costs two pounds for two hours.

Bus number seven and bus number twenty two stop at Lighthouse Square, one minute from our door. They run every ten minutes during the day. From the central railway station the bus takes twelve minutes.

There are bicycle stands in front of the entrance.

The whole practice is on the ground floor. There are no steps, the doors are wide enough for every wheelchair, and there is an accessible toilet. One of the treatment rooms has a chair that can be lowered, so you may also be treated in your own wheelchair.

Guide dogs and assistance dogs are welcome. If you are deaf or hard of hearing, you can write to us by text message, and we have a hearing loop at the reception.

When you arrive, please tell the reception your name. The waiting room is on the right, and there is a corner with toys for children.`,
  },
  {
    title: 'Emergencies and pain',
    tags: ['emergencies'],
    text: `If you have heavy bleeding that does not stop, trouble breathing or swallowing, or a swelling that spreads to the eye or the neck, call the emergency services at once. Do not wait for an appointment with us.

For toothache, a broken tooth or a lost filling we keep four emergency appointments free every morning. Call at eight o'clock, or come to the reception before ten, and you will be seen on the same day. An emergency appointment costs fifty five pounds.

If a tooth has been knocked out, hold it by the crown and do not touch the root. Rinse it for a moment in milk, and put it back into its place if you can. If you cannot, keep it in milk. Come to us or to a hospital within one hour: the sooner, the better the chance to save it.

If a filling or a crown has come off, keep the piece and bring it with you. Until then, chew on the other side. You can cover a sharp edge with sugar-free chewing gum.

After a tooth has been taken out, some bleeding is normal on the first day. Bite on a clean folded cloth for twenty minutes without a break. Do not rinse, smoke or drink anything hot for twenty four hours. If it still bleeds after that, call us.

Outside our opening hours, the dental hospital on Castle Hill has an emergency service from six in the evening until midnight, every day of the year. You do not need an appointment there.`,
  },
  {
    title: 'The team and our treatments',
    tags: ['team', 'treatments'],
    text: `Four dentists and three hygienists work at Harbour Dental. Doctor Helen Marsh founded the practice and does crowns, bridges and implants. Doctor Tomas Lindqvist does root canal treatments. Doctor Amara Osei looks after children. Doctor Ravi Menon takes out wisdom teeth and treats gum disease.

You can choose your dentist when you book, and you will see the same person each time. All of our dentists speak English. Doctor Lindqvist also speaks Swedish and German, and Doctor Menon also speaks Hindi and Malayalam.

We treat children of every age. The first visit should be around the first birthday. It is short and playful: the child sits on your lap, counts teeth with the dentist, and gets a sticker. Check-ups are free until the sixteenth birthday.

If you are afraid of the dentist, tell us when you book. We take more time for you, explain each step, and stop whenever you raise your hand. For longer treatments we offer laughing gas for sixty pounds. Somebody must then take you home.

Adults should come for a check-up every six months. If your teeth and gums have been healthy for two years, once a year is enough.

We offer clear aligners to straighten teeth. The first consultation is free. A treatment takes between six and eighteen months, and costs from one thousand nine hundred pounds.

We do not use silver fillings any more. All of our fillings are white.`,
  },
];
