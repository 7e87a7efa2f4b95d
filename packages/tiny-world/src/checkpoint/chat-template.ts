/** The form of a conversation with Qwen2.5-VL, its default system message included; images alone. */
export const chatTemplate = [
  `{% for message in messages %}`,
  `{% if loop.first and message['role'] != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}`,
  `<|im_start|>{{ message['role'] }}\n`,
  `{% if message['content'] is string %}{{ message['content'] }}`,
  `{% else %}{% for content in message['content'] %}`,
  `{% if content['type'] == 'image' or 'image' in content or 'image_url' in content %}<|vision_start|><|image_pad|><|vision_end|>`,
  `{% elif 'text' in content %}{{ content['text'] }}{% endif %}`,
  `{% endfor %}{% endif %}<|im_end|>\n`,
  `{% endfor %}`,
  `{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}`,
].join('')
