/** Where passages lead to. */

/** The screen of a passage's document, or of the approved question it is: their ids tell them apart. */
export const sourceSearch = (id: string): { question: string } | { document: string } =>
  id.startsWith('question_') ? { question: id } : { document: id };
