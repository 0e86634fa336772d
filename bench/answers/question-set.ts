/** Public question sets in SQuAD's JSON format, as documents and questions about them. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { cutPassages } from '../../server/src/knowledge/passages.ts';
import type { PassageRecord } from '../../server/src/knowledge/library.ts';

export interface Paragraph {
  id: string;
  article: number;
  title: string;
  text: string;
}

export interface Question {
  text: string;
  paragraph: Paragraph;
  /** Spans of the paragraph that answer it; none when it cannot be answered from there. */
  answers: string[];
}

export interface QuestionSet {
  name: string;
  sha256: string;
  licence: string;
  articles: number;
  paragraphs: Paragraph[];
  questions: Question[];
}

interface Squad {
  version?: string;
  data: {
    title: string;
    paragraphs: { context: string; qas: { question: string; is_impossible?: boolean; answers: { text: string }[] }[] }[];
  }[];
}

/** SQuAD and XQuAD are both under it. */
const LICENCE = 'CC BY-SA 4.0';

export function readQuestionSet(path: string, licence = LICENCE): QuestionSet {
  const bytes = readFileSync(path);
  const { data, version } = JSON.parse(bytes.toString('utf8')) as Squad;
  const paragraphs: Paragraph[] = [];
  const questions: Question[] = [];
  for (const [article, { title, paragraphs: own }] of data.entries()) {
    for (const [index, { context, qas }] of own.entries()) {
      const paragraph = { id: `a${article}p${index}`, article, title: title.replaceAll('_', ' '), text: context };
      paragraphs.push(paragraph);
      for (const { question, is_impossible: impossible = false, answers } of qas) {
        questions.push({ text: question.trim(), paragraph, answers: impossible ? [] : answers.map(({ text }) => text) });
      }
    }
  }
  return {
    name: `${basename(path)}${version ? ` (version ${version})` : ''}`,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    licence,
    articles: data.length,
    paragraphs,
    questions,
  };
}

/** Passages as the product cuts them. Each paragraph is a document, so that a passage tells which it came from. */
export function passagesOfSet(paragraphs: readonly Paragraph[]): PassageRecord[] {
  return paragraphs.flatMap(({ id, title, text }) =>
    cutPassages({ id, title, text }).map((passage) => ({ ...passage, base: 'main', language: 'en', tags: [], audience: 'everyone' })),
  );
}
