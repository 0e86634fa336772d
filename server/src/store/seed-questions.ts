/** Approved questions of the demo business: answers are spoken as they stand. The first phrasing is the title. */
export const demoQuestions: readonly { phrasings: string[]; answer: string }[] = [
  {
    phrasings: [
      'What are your opening hours?',
      'Opening hours',
      'Hours',
      'When are you open?',
      'What time do you open?',
      'What time do you close?',
      'Are you open today?',
      'How late are you open?',
    ],
    answer:
      'We are open Monday to Thursday from eight in the morning to six in the evening, Friday from eight to four, and Saturday from nine to one. We are closed on Sunday.',
  },
  {
    phrasings: [
      'Are you open on Saturday?',
      'Are you open at the weekend?',
      'Can I come on Saturday?',
      'What are your weekend hours?',
      'Are you open on Sunday?',
    ],
    answer: 'We are open on Saturday from nine in the morning to one in the afternoon. On Sunday we are closed.',
  },
  {
    phrasings: [
      'How much is a check up?',
      'What does a check up cost?',
      'How much is an examination?',
      'What is the price of a check up?',
      'How much do you charge for a check up?',
    ],
    answer: 'A check-up costs forty five pounds for adults and takes about twenty minutes. For children under sixteen it is free.',
  },
  {
    phrasings: [
      'How much is a cleaning?',
      'What does a cleaning cost?',
      'How much is the hygienist?',
      'What does teeth cleaning cost?',
      'How much is a scale and polish?',
    ],
    answer:
      'A cleaning with our hygienist costs sixty two pounds and takes half an hour. Together with a check-up it is ninety five pounds.',
  },
  {
    phrasings: ['Where can I park?', 'Is there parking?', 'Do you have a car park?', 'Where do I leave my car?', 'Is parking free?'],
    answer: 'Our own car park is behind the building, with the entrance on Rope Lane. It has twelve spaces and is free for patients.',
  },
  {
    phrasings: [
      'Where are you?',
      'Location',
      'What is your address?',
      'How do I find you?',
      'How do I get to the practice?',
      'Where is the practice?',
    ],
    answer: 'We are at number fourteen, Harbour Street, next to the old lighthouse. The main entrance is up the ramp on the left.',
  },
  {
    phrasings: ['What is your telephone number?', 'Telephone number', 'What number can I call?', 'What is your phone number?'],
    answer: 'You have just called it. In writing, it is plus one, five five five, zero one zero zero.',
  },
  {
    phrasings: [
      'Do you take my insurance?',
      'Which insurance do you accept?',
      'Do you accept dental insurance?',
      'Are you covered by insurance?',
      'Can I use my insurance?',
    ],
    answer:
      'We work with all large dental insurers. You pay us on the day, and we give you the receipt that your insurer needs. Many pay it back within ten days.',
  },
  {
    phrasings: [
      'How can I pay?',
      'Do you take credit cards?',
      'Can I pay by card?',
      'Can I pay in cash?',
      'Can I pay in instalments?',
      'Which payment methods do you accept?',
    ],
    answer:
      'You can pay by card, by phone or in cash. Treatments over three hundred pounds can be paid in six monthly instalments without interest.',
  },
  {
    phrasings: [
      'How do I cancel an appointment?',
      'I want to cancel my appointment',
      'Can I change my appointment?',
      'I need to move my appointment',
      'What happens if I miss an appointment?',
    ],
    answer:
      'You can cancel or move an appointment free of charge until twenty four hours before. After that, or when an appointment is missed, we charge twenty five pounds.',
  },
  {
    phrasings: [
      'I have a toothache',
      'I am in pain',
      'My tooth hurts',
      'I need an emergency appointment',
      'Can you see me today?',
      'I broke a tooth',
    ],
    answer:
      "I am sorry to hear that. We keep four emergency appointments free every morning. Please call at eight o'clock, or come to the reception before ten, and you will be seen the same day.",
  },
  {
    phrasings: [
      'Do you take new patients?',
      'Can I register with you?',
      'How do I become a patient?',
      'I would like to join the practice',
      'Are you accepting new patients?',
    ],
    answer:
      'Yes, we take new patients. Come ten minutes before your first appointment with proof of your address, and we will register you then. Registration is free.',
  },
  {
    phrasings: [
      'Do you treat children?',
      'Can I bring my child?',
      'Do you see kids?',
      'From what age do you treat children?',
      "Is there a children's dentist?",
    ],
    answer:
      'Yes, we treat children of every age. Doctor Amara Osei looks after our youngest patients, and check-ups are free until the sixteenth birthday.',
  },
];
