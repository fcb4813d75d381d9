import { OrNull } from '@points/http';
import { IsString } from 'class-validator';

export class NextView {
  @IsString()
  @OrNull('send it as `after` for the next page; null after the last')
  next!: string | null;
}
