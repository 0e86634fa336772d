/** DOCX: mammoth makes HTML of it, by the styles' meaning; pictures and everything else that is not text stay out. */
import mammoth from 'mammoth';
import type { Archive } from './archive.ts';
import { writeArchive } from './archive-writer.ts';
import { htmlMarkdown } from './html-markdown.ts';
import { parseHtml } from './html-document.ts';
import { scanPart, titleOf } from './office.ts';
import type { Found, Reading } from './reading.ts';

const STYLES = ["p[style-name='Title'] => h1:fresh", "p[style-name='Subtitle'] => p:fresh"];

/**
 * Mammoth unpacks by itself and without limits: it is given an archive of the text's own parts, unpacked here, counted,
 * and packed no more.
 */
export async function readDocx(archive: Archive, { limits, progress }: Reading): Promise<Found> {
  const parts = archive.names.filter((name) => /\.(xml|rels)$/i.test(name));
  const files: { name: string; bytes: Buffer }[] = [];
  for (const name of parts) {
    await scanPart(archive, name, {}); // refuses document types, which the library would read
    files.push({ name, bytes: await archive.bytes(name) });
  }
  progress(0.2);
  const { value } = await mammoth.convertToHtml(
    { buffer: writeArchive(files) },
    {
      styleMap: STYLES,
      externalFileAccess: false,
      includeEmbeddedStyleMap: false,
      convertImage: mammoth.images.imgElement(() => Promise.resolve({ src: '' })),
    },
  );
  progress(0.8);
  const document = parseHtml(value);
  // The numbers of notes and the arrows back to them are for the eye.
  for (const link of document.querySelectorAll('a[href^="#footnote"], a[href^="#endnote"]')) link.remove();
  return { title: await titleOf(archive), text: htmlMarkdown(document.body, limits) };
}
